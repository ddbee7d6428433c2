// Several logs as one: every line with the port of its node in front, readable, coloured on a terminal.

import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { createLineReader, type LineReader } from "../logger.ts";

/** Foreground colours that can be told apart on light and dark: cyan, yellow, green, magenta, blue, red. */
const colours = [36, 33, 32, 35, 34, 31];

export interface MixedOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class LogMixer {
  readonly #output: MixedOutput;
  readonly #isColoured: boolean;
  readonly #readable: LineReader;
  readonly #colourOf = new Map<number, number>();

  constructor(output: MixedOutput) {
    this.#output = output;
    this.#isColoured = output.isTTY === true;
    this.#readable = createLineReader(this.#isColoured);
  }

  /** A line of the cluster itself. */
  say(line: string): void {
    this.#output.write(`cluster | ${line}\n`);
  }

  /** Shows the lines of a node as they come; JSON ones in readable form, others as they are. */
  follow(port: number, stream: Readable | null): void {
    if (stream === null) return;
    const prefix = this.#prefixOf(port);
    createInterface({ input: stream }).on("line", (line) => {
      for (const part of this.#readable(line).trimEnd().split("\n")) {
        this.#output.write(`${prefix} | ${part}\n`);
      }
    });
  }

  #prefixOf(port: number): string {
    const name = String(port).padEnd("cluster".length);
    if (!this.#isColoured) return name;
    const at = this.#colourOf.get(port) ?? this.#colourOf.size;
    this.#colourOf.set(port, at);
    return `\u001b[${colours[at % colours.length]}m${name}\u001b[0m`;
  }
}
