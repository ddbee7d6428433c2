// What happened: a hash of everything, the last lines for a report, and every line for a reader.

import { crc32 } from "node:zlib";
import type { Timeline } from "./timeline.ts";

const linesKept = 30;

interface Line {
  at: number;
  node: number;
  what: string;
  x: number;
  y: number;
}

const codes = new Map<string, number>();

/** One number per text, the same in every run. */
function codeOf(what: string): number {
  let code = codes.get(what);
  if (code === undefined) {
    code = crc32(what);
    codes.set(what, code);
  }
  return code;
}

export class Trace {
  #hash = 0x811c9dc5;
  #length = 0;
  readonly #ring: Line[] = [];
  readonly #timeline: Timeline;
  /** Gets every line as text. */
  readonly #out: ((line: string) => void) | null;

  constructor(timeline: Timeline, out: ((line: string) => void) | null) {
    this.#timeline = timeline;
    this.#out = out;
    for (let each = 0; each < linesKept; each += 1) {
      this.#ring.push({ at: 0, node: 0, what: "", x: 0, y: 0 });
    }
  }

  /** `node` 0 is the world. `what` is fixed text with %x and %y in it: it is hashed once. */
  note(node: number, what: string, x = 0, y = 0): void {
    const line = this.#ring[this.#length % linesKept] as Line;
    line.at = this.#timeline.now;
    line.node = node;
    line.what = what;
    line.x = x;
    line.y = y;
    this.#length += 1;
    this.#mix(line.at);
    this.#mix(codeOf(what) + node);
    this.#mix(x);
    this.#mix(y);
    if (this.#out !== null) this.#out(inWords(line));
  }

  #mix(value: number): void {
    const low = value | 0;
    const high = Math.floor(value / 0x1_0000_0000) | 0;
    this.#hash = Math.imul(this.#hash ^ low ^ (low >>> 15), 0x01000193) ^ (high * 31);
    this.#hash = (this.#hash << 13) | (this.#hash >>> 19);
  }

  get hash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, "0");
  }

  last(): readonly string[] {
    const first = Math.max(0, this.#length - linesKept);
    const lines: string[] = [];
    for (let at = first; at < this.#length; at += 1) {
      lines.push(inWords(this.#ring[at % linesKept] as Line));
    }
    return lines;
  }
}

function inWords({ at, node, what, x, y }: Line): string {
  const who = node === 0 ? "world " : `node ${node}`;
  const text = what.replace("%x", String(x)).replace("%y", String(y));
  return `${(at / 1e6).toFixed(6).padStart(11)} s  ${who}  ${text}`;
}
