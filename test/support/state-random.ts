// Seeded chance for tests of the state, and random commands made of it.

import { SeededRandom } from "../../src/state/random.ts";

export class Dice {
  readonly #random = new SeededRandom();

  constructor(seed: number) {
    this.#random.seed(seed, 0);
  }

  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  readonly next = (): number => this.#random.next();
}

/** A key: few enough to meet again, half of them in few partitions. */
export function someKey(dice: Dice): string {
  return dice.below(2) === 0 ? `k${dice.below(300)}` : `{tag${dice.below(3)}}${dice.below(100)}`;
}

/** One random request that may change anything; `nowMs` is for expiries around it. */
export function someWrite(dice: Dice, nowMs: number): string[] {
  const key = someKey(dice);
  switch (dice.below(14)) {
    case 0:
      return ["del", key];
    case 1:
      return ["append", key, "x".repeat(dice.below(20))];
    case 2:
    case 3:
      return ["expireat", key, String(nowMs - 5 + dice.below(60))];
    case 4:
      return dice.below(4) === 0 ? ["far", key] : ["persist", key];
    case 5:
    case 6:
      return ["pop"];
    case 7:
      return dice.below(40) === 0 ? ["flushdb"] : ["roll"];
    case 8:
      return dice.below(10) === 0 ? ["swapdb", String(dice.below(3)), "1"] : ["del", key];
    default:
      return ["set", key, `${dice.below(1000)}${"v".repeat(dice.below(30))}`];
  }
}
