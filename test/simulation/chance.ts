// Chance in streams: each part of a simulation draws from its own, so that taking something away from one part
// leaves the others as they were.

import { crc32 } from "node:zlib";
import { seededRandom } from "../support/raft-random.ts";

export class Chance {
  /** In [0, 1). */
  readonly next: () => number;

  constructor(seed: number, stream: string) {
    this.next = seededRandom(seed ^ crc32(stream));
    this.next(); // Neighbouring seeds differ from the first draw on.
  }

  /** A whole number in [0, limit). */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** A whole number in [low, high]. */
  between(low: number, high: number): number {
    return low + this.below(high - low + 1);
  }

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("nothing to choose from");
    return item;
  }

  /** Exponentially distributed, cut off at twelve times the mean. */
  exponential(mean: number): number {
    return Math.min(12, -Math.log(1 - this.next())) * mean;
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const keyed = items.map((item) => ({ item, key: this.next() }));
    return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item);
  }
}
