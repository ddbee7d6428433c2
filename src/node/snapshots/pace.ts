// Work that gives way to everything else: in bursts, each followed by a rest in proportion to it.

import { snapshotRestMaxMs, snapshotRestPerWork } from "../../constants.ts";

/** Where the machine is busy a burst takes longer by the clock, and so does the rest after it. */
export class Pace {
  readonly #nowMs: () => number;
  #beganMs = 0;
  #restedMs = 0;
  #restMs = 0;

  /** `nowMs`: milliseconds of a clock that does not go back. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** A burst begins. */
  begin(): void {
    this.#beganMs = this.#nowMs();
  }

  /** Milliseconds since it began. */
  get tookMs(): number {
    return this.#nowMs() - this.#beganMs;
  }

  /** The burst is over, and a rest begins. */
  rest(): void {
    this.#restMs = Math.min(snapshotRestPerWork * this.tookMs, snapshotRestMaxMs);
    this.#restedMs = this.#nowMs();
  }

  get isResting(): boolean {
    return this.#nowMs() - this.#restedMs < this.#restMs;
  }
}
