// Counts on one node which keys are used: by time or by frequency, as the eviction policy needs it.

import { SeededRandom } from "../random.ts";
import {
  type CountingOptions,
  countWord,
  decayedCount,
  firstCount,
  idleSeconds,
  idleWord,
  raisedCount,
  unknownAccess,
} from "./access.ts";

export type Counted = "nothing" | "idle" | "rare";

/** The words themselves lie beside the records (Partition.access). */
export class AccessClock {
  counted: Counted = "nothing";
  options: CountingOptions = { logFactor: 10, decayMinutes: 1 };
  /** When counting began, in Unix ms: a key of which nothing is known was not used since. */
  #sinceMs = 0;
  /** Of this node alone: it must not touch the chance of entries. */
  readonly #random = new SeededRandom();

  constructor(seed: number) {
    this.#random.seed(seed, 0);
  }

  /** What was counted otherwise is of no use any more: the caller forgets it. */
  begin(counted: Counted, nowMs: number): void {
    this.counted = counted;
    this.#sinceMs = nowMs;
  }

  /** Of a key that is new. */
  first(nowMs: number): number {
    return this.counted === "rare" ? countWord(nowMs, firstCount) : idleWord(nowMs);
  }

  /** Of a key that is used once more. */
  used(word: number, nowMs: number): number {
    if (this.counted !== "rare") return idleWord(nowMs);
    return countWord(
      nowMs,
      raisedCount(this.count(word, nowMs), this.#random.next(), this.options),
    );
  }

  idleSeconds(word: number, nowMs: number): number {
    return idleSeconds(word === unknownAccess ? idleWord(this.#sinceMs) : word, nowMs);
  }

  count(word: number, nowMs: number): number {
    const known = word === unknownAccess ? countWord(this.#sinceMs, firstCount) : word;
    return decayedCount(known, nowMs, this.options);
  }
}
