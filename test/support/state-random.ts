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

const longLengths = [
  16 * 1024,
  16 * 1024 + 1,
  ...[1, 2].flatMap((blocks) => [-1, 0, 1].map((more) => blocks * 64 * 1024 + more)),
];

/** Around the lengths at which values begin to lie in a blob, and in one more block of it. */
export function someLength(dice: Dice): number {
  return dice.below(4) === 0 ? dice.below(40) : dice.pick(longLengths);
}

/** Of a length, with zeros at its end now and then. */
export function someValue(dice: Dice, length: number): string {
  const text = dice.next().toString(36).slice(2).padEnd(9, "x");
  const whole = text.repeat(Math.ceil(length / text.length)).slice(0, length);
  const zeros = dice.below(5) === 0 ? dice.below(length + 1) : 0;
  return whole.slice(0, length - zeros) + "\0".repeat(zeros);
}

/** One random request that may do anything to a long value. */
export function someLongWrite(dice: Dice, nowMs: number): string[] {
  const [key, other] = [`k${dice.below(12)}`, `k${dice.below(12)}`];
  const database = String(dice.below(3));
  switch (dice.below(16)) {
    case 0:
    case 1:
      return ["del", key];
    case 2:
      return ["rename", key, database, other];
    case 3:
      return ["copy", key, database, other];
    case 4:
      return ["expireat", key, String(nowMs - 5 + dice.below(60))];
    case 5:
      return dice.below(5) === 0 ? ["flushdb"] : ["persist", key];
    case 6:
      return dice.below(3) === 0 ? ["swapdb", database, "1"] : ["far", key];
    case 7:
      return ["append", key, someValue(dice, someLength(dice) >> 1)];
    case 8:
    case 9:
    case 10:
      return ["setrange", key, String(someLength(dice)), "y".repeat(1 + dice.below(30))];
    case 11:
      return ["setrange", key, String(dice.below(200)), someValue(dice, 1 + someLength(dice))];
    default:
      return ["set", key, someValue(dice, someLength(dice))];
  }
}
