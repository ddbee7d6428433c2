// A server that answers from a script, for the clients of the command line.

import { once } from "node:events";
import { createServer } from "node:net";
import { onTestFinished } from "vitest";
import type { CommandOutput } from "../../src/cli/output.ts";
import type { Endpoint } from "../../src/net/endpoint.ts";
import { encodeReply } from "../../src/resp/encode-reply.ts";
import type { Reply } from "../../src/resp/reply.ts";

/** What a command prints. */
export class Captured implements CommandOutput {
  readonly isTerminal: boolean;
  printed = "";
  complained = "";
  readonly #waiters: (() => void)[] = [];

  constructor(isTerminal: boolean) {
    this.isTerminal = isTerminal;
  }

  print(text: string): void {
    this.printed += text;
    for (const wake of this.#waiters.splice(0)) wake();
  }

  complain(text: string): void {
    this.complained += text;
  }

  get lines(): readonly string[] {
    return this.printed.trimEnd().split("\n");
  }

  async prints(text: string): Promise<void> {
    while (!this.printed.includes(text)) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
      });
    }
  }
}

export interface Scripted {
  readonly target: Endpoint;
  /** Every request, its words joined by spaces. */
  readonly asked: string[];
}

/** `answer` gets each request; undefined says nothing. */
export async function scripted(
  answer: (words: readonly string[]) => Reply | undefined,
): Promise<Scripted> {
  const asked: string[] = [];
  const server = createServer((socket) => {
    onTestFinished(() => {
      socket.destroy();
    });
    socket.on("error", () => undefined);
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      for (let words = take(); words !== null; words = take()) {
        asked.push(words.join(" "));
        const reply = answer(words);
        if (reply !== undefined) socket.write(encodeReply(reply, 2), "latin1");
      }
    });
    /** The next whole request; good ones only. */
    function take(): string[] | null {
      const head = /^\*(\d+)\r\n/.exec(text);
      if (head === null) return null;
      const words: string[] = [];
      let at = head[0].length;
      for (let count = Number(head[1]); count > 0; count -= 1) {
        const size = /^\$(\d+)\r\n/.exec(text.slice(at));
        if (size === null) return null;
        at += size[0].length;
        words.push(text.slice(at, at + Number(size[1])));
        at += Number(size[1]) + 2;
      }
      if (text.length < at) return null;
      text = text.slice(at);
      return words;
    }
  }).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { target: { host: "127.0.0.1", port }, asked };
}

/** A port on which nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}
