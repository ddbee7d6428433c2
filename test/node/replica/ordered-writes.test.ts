// In which order a leader takes batches of writes: none behind a gap, whoever sends them.

import { describe, expect, it } from "vitest";
import { OrderedWrites } from "../../../src/node/replica/ordered-writes.ts";

const origin = 2;
const batch = (firstNumber: number, incarnation = 1) => ({ incarnation, firstNumber, count: 10 });

/** Numbers up to 20 of the first life are applied. */
const applied = (node: number, incarnation: number): number =>
  node === origin && incarnation === 1 ? 20 : 0;

describe("a leader orders", () => {
  it("the first batch of a term only if it follows what is applied", () => {
    const writes = new OrderedWrites(applied);
    expect(writes.follows(5, origin, batch(31))).toBe(false);
    expect(writes.follows(5, origin, batch(21))).toBe(true);
    expect(writes.follows(5, origin, batch(11))).toBe(true);
  });

  it("each later batch of the term only if it follows the one before", () => {
    const writes = new OrderedWrites(applied);
    writes.ordered(5, origin, batch(21));
    expect(writes.follows(5, origin, batch(31))).toBe(true);
    expect(writes.follows(5, origin, batch(32))).toBe(false);
    expect(writes.follows(5, origin, batch(21))).toBe(true);
  });

  it("nothing on top of what a former term may have lost, its own writes included", () => {
    const writes = new OrderedWrites(applied);
    writes.ordered(5, origin, batch(21));
    expect(writes.follows(7, origin, batch(31))).toBe(false);
    writes.ordered(7, 3, batch(1));
    expect(writes.follows(7, origin, batch(31))).toBe(false);
    expect(writes.follows(7, origin, batch(21))).toBe(true);
  });

  it("what follows the writes that are applied, though one of them was ordered again last", () => {
    let highest = 20;
    const writes = new OrderedWrites(() => highest);
    writes.ordered(5, origin, batch(21));
    writes.ordered(5, origin, batch(31));
    // Sent again; meanwhile both are applied, so the origin goes on behind them.
    writes.ordered(5, origin, batch(21));
    highest = 40;
    expect(writes.follows(5, origin, batch(42))).toBe(false);
    expect(writes.follows(5, origin, batch(41))).toBe(true);
  });

  it("a new life of a node from its first number on, and no more of the old one", () => {
    const writes = new OrderedWrites(applied);
    writes.ordered(5, origin, batch(21));
    expect(writes.follows(5, origin, batch(2, 2))).toBe(false);
    expect(writes.follows(5, origin, batch(1, 2))).toBe(true);
    writes.ordered(5, origin, batch(1, 2));
    expect(writes.follows(5, origin, batch(31))).toBe(false);
  });
});
