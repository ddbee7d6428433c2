// The due heap against sorting: times change, fall together and go, and records move.

import { describe, expect, test } from "vitest";
import { DueHeap } from "../../../src/state/memory/due-heap.ts";
import { SeededRandom } from "../../../src/state/random.ts";

interface Due {
  readonly rank: number;
  timeMs: number;
  place: number;
}

/** A heap with its records: each has a rank of its own, which decides where times are equal. */
class Model {
  readonly due = new Map<number, Due>();
  readonly heap: DueHeap = new DueHeap({
    isBefore: (a, b) => this.at(a).rank < this.at(b).rank,
    placed: (address, place) => {
      this.at(address).place = place;
    },
  });
  readonly #random = new SeededRandom();
  #addresses = 0;

  constructor(seed: number) {
    this.#random.seed(seed, 3);
  }

  below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }
  at(address: number): Due {
    const due = this.due.get(address);
    if (due === undefined) throw new Error(`nothing is due at ${address}`);
    return due;
  }
  any(): [number, Due] {
    return [...this.due][this.below(this.due.size)] as [number, Due];
  }

  step(): void {
    const roll = this.below(10);
    // Few times, so that many fall together.
    const timeMs = 1_000 + this.below(40);
    if (this.due.size === 0 || roll < 4) this.add(timeMs);
    else if (roll < 6) this.change(timeMs);
    else if (roll < 8) this.remove();
    else this.move();
  }
  compare(): void {
    const { size } = this.due;
    if (size > 0) expect(this.at(this.heap.firstAddress)).toBe(this.sorted[0]);
    const places = new Set([...this.due.values()].map(({ place }) => place));
    expect(places.size).toBe(size);
  }

  add(timeMs: number): void {
    const address = ++this.#addresses;
    this.due.set(address, { rank: this.#random.next(), timeMs, place: -1 });
    this.heap.add(timeMs, address);
  }
  change(timeMs: number): void {
    const [, due] = this.any();
    due.timeMs = timeMs;
    this.heap.change(due.place, timeMs);
  }
  remove(): void {
    const [address, due] = this.any();
    this.heap.remove(due.place);
    this.due.delete(address);
  }
  move(): void {
    const [address, due] = this.any();
    this.due.delete(address);
    this.due.set(++this.#addresses, due);
    this.heap.moved(due.place, this.#addresses);
  }

  get sorted(): readonly Due[] {
    return [...this.due.values()].sort((a, b) => a.timeMs - b.timeMs || a.rank - b.rank);
  }

  /** Everything in the order in which the heap gives it out. */
  drain(): readonly Due[] {
    const order: Due[] = [];
    while (this.heap.size > 0) {
      const due = this.at(this.heap.firstAddress);
      expect(this.heap.firstTimeMs).toBe(due.timeMs);
      order.push(due);
      this.heap.remove(0);
    }
    return order;
  }
}

describe("a due heap", () => {
  test.each([1, 2, 3, 4])("gives out what sorting gives, ties by rank (seed %i)", (seed) => {
    const model = new Model(seed);
    for (let step = 0; step < 6_000; step++) {
      model.step();
      if (step % 50 === 0) model.compare();
    }
    const expected = model.sorted;
    expect(model.heap.size).toBe(expected.length);
    expect(model.drain()).toEqual(expected);
    expect(model.heap.firstTimeMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("takes 12 bytes for each record and gives them back", () => {
    const model = new Model(9);
    const count = 50_000;
    for (let each = 0; each < count; each++) model.add(model.below(1_000_000));
    expect(model.heap.bytes).toBeLessThan(1.1 * 12 * count);
    expect(model.drain()).toHaveLength(count);
    expect(model.heap.bytes).toBeLessThanOrEqual(2 * 12 * 4096);
  });
});
