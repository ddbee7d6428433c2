// With which number an origin has to go on at a leader: nothing is ordered behind a gap, whoever sends it.

import { describe, expect, it } from "vitest";
import { OrderedWrites } from "../../../src/node/replica/ordered-writes.ts";

const origin = 2;
const batch = (firstNumber: number, incarnation = 1) => ({ incarnation, firstNumber, count: 10 });

/** Numbers up to 20 of the first life are applied. */
const applied = (node: number, incarnation: number): number =>
  node === origin && incarnation === 1 ? 20 : 0;

describe("an origin goes on", () => {
  it("in a new term behind what is applied", () => {
    const writes = new OrderedWrites(applied);
    expect(writes.next(5, origin, 1)).toBe(21);
    expect(writes.next(5, 3, 1)).toBe(1);
  });

  it("behind the last batch that was ordered in the term", () => {
    const writes = new OrderedWrites(applied);
    writes.ordered(5, origin, batch(21));
    writes.ordered(5, 3, batch(1));
    expect([writes.next(5, origin, 1), writes.next(5, 3, 1)]).toEqual([31, 11]);
  });

  it("without what a former term ordered and may have lost, this node's own writes included", () => {
    const writes = new OrderedWrites(applied);
    writes.ordered(5, origin, batch(21));
    expect(writes.next(7, origin, 1)).toBe(21);
    writes.ordered(7, 3, batch(1));
    expect(writes.next(7, origin, 1)).toBe(21);
  });

  it("behind what is applied, if that is more than was ordered in the term", () => {
    let highest = 20;
    const writes = new OrderedWrites(() => highest);
    writes.ordered(5, origin, batch(21));
    highest = 40;
    expect(writes.next(5, origin, 1)).toBe(41);
  });

  it("from its first number in a new life, and never again in the old one", () => {
    const writes = new OrderedWrites(applied);
    writes.ordered(5, origin, batch(21));
    expect(writes.next(5, origin, 2)).toBe(1);
    writes.ordered(5, origin, batch(1, 2));
    expect([writes.next(5, origin, 2), writes.next(5, origin, 1)]).toEqual([11, null]);
  });
});
