// The input of all clients together: parts of requests, and whole ones that wait. Decides who is read further.

import { inputBytesMax, inputPatienceMs, smallInputBytes } from "../../constants.ts";

export interface InputSource {
  /** Memory of what has arrived and is not taken yet. */
  readonly inputBytes: number;
  /** Bytes of whole requests that were taken since the start. */
  readonly takenBytes: number;
  /** `mayRead` may say otherwise now. */
  readAgain(): void;
  drop(why: string): void;
}

export interface InputLimits {
  readonly bytesMax: number;
  readonly smallBytes: number;
  readonly patienceMs: number;
}

const defaultLimits: InputLimits = {
  bytesMax: inputBytesMax,
  smallBytes: smallInputBytes,
  patienceMs: inputPatienceMs,
};

/**
 * While there is too much, only sources with little of it are read, and one of the others, the favoured: it
 * may complete its request and so give memory back. If it does not do so in time, whoever has most is closed.
 */
export class InputTotal {
  readonly #limits: InputLimits;
  #bytes = 0;
  readonly #held = new Set<InputSource>();
  #favoured: InputSource | null = null;
  /** What the favoured had taken when it became that, and when. */
  #takenBytes = 0;
  #sinceMs = 0;

  constructor(limits = defaultLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }
  /** Somebody is not read. */
  get isHolding(): boolean {
    return this.#held.size > 0;
  }
  get #isOver(): boolean {
    return this.#bytes > this.#limits.bytesMax;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }

  /** False: the source is held, and `readAgain` is called in time. */
  mayRead(source: InputSource): boolean {
    const isSmall = source.inputBytes <= this.#limits.smallBytes;
    const may = !this.#isOver || isSmall || source === this.#favoured;
    if (may) this.#held.delete(source);
    else this.#held.add(source);
    return may;
  }

  /** The source is gone. */
  forget(source: InputSource): void {
    this.#held.delete(source);
    if (source === this.#favoured) this.#favoured = null;
  }

  /** Now and then, while it holds somebody. */
  review(nowMs: number, all: Iterable<InputSource>): void {
    const favoured = this.#favoured;
    if (!this.#isOver) {
      this.#favoured = null;
      for (const source of this.#held) source.readAgain();
    } else if (favoured === null || favoured.takenBytes > this.#takenBytes) {
      this.#favour(nowMs);
    } else if (nowMs - this.#sinceMs > this.#limits.patienceMs) {
      this.#favoured = null;
      largest(all)?.drop("the requests of all clients are too many, and it has the most of them");
    }
  }

  /** The largest: it gives most of the memory back. */
  #favour(nowMs: number): void {
    const next = largest(this.#held);
    this.#favoured = next;
    if (next === null) return;
    this.#takenBytes = next.takenBytes;
    this.#sinceMs = nowMs;
    next.readAgain();
  }
}

function largest(sources: Iterable<InputSource>): InputSource | null {
  let found: InputSource | null = null;
  for (const source of sources) {
    if (found === null || source.inputBytes > found.inputBytes) found = source;
  }
  return found;
}
