// Decisions by seeded chance.

import { seededRandom } from "./raft-random.ts";

export class Chance {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit);
  }

  coin(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[this.below(list.length)];
  }

  /** Takes one out of `list`; its order changes. */
  take<T>(list: T[]): T | undefined {
    const at = this.below(list.length);
    const taken = list[at];
    const last = list.pop();
    if (taken !== undefined && last !== undefined && at < list.length) list[at] = last;
    return taken;
  }
}
