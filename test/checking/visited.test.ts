// The cache against a plain set of texts: nothing is taken for known that is not, and nothing forgotten.

import fc from "fast-check";
import { expect, test } from "vitest";
import { mixed, PlacedSet } from "./placed-set.ts";
import { Visited } from "./visited.ts";

test("a configuration is new once", () => {
  const size = 200;
  const move = fc.oneof(
    // As a search does: nearly in order, with steps back.
    { arbitrary: fc.constant("next" as const), weight: 8 },
    { arbitrary: fc.integer({ min: 0, max: size - 1 }), weight: 1 },
  );
  const moves = fc.array(fc.tuple(move, fc.integer({ min: 0, max: 2 })), { maxLength: 400 });
  fc.assert(
    fc.property(moves, (steps) => {
      const placed = new PlacedSet(size);
      const visited = new Visited();
      const members = new Set<number>();
      const known = new Set<string>();
      let next = 0;
      for (const [what, state] of steps) {
        const member = what === "next" ? next++ % size : what;
        placed.toggle(member);
        if (!members.delete(member)) members.add(member);
        const text = `${[...members].sort((a, b) => a - b)} ${state}`;
        expect(visited.add(placed, state)).toBe(!known.has(text));
        known.add(text);
      }
    }),
    { seed: 1, numRuns: 300 },
  );
});

const occursOnce = (member: number, _: number, all: readonly number[]): boolean =>
  all.indexOf(member) === all.lastIndexOf(member);

/** Members whose mixed numbers cancel out: Gaussian elimination over the bits of more than 32 numbers. */
function membersWithoutHash(from: number): number[] {
  const rows = new Map<number, { hash: number; members: readonly number[] }>();
  for (let member = from; member <= from + 32; member++) {
    let row = { hash: mixed(member), members: [member] as readonly number[] };
    while (row.hash !== 0) {
      const pivot = rows.get(Math.clz32(row.hash));
      if (pivot === undefined) break;
      const members = [...row.members, ...pivot.members];
      row = { hash: row.hash ^ pivot.hash, members: members.filter(occursOnce) };
    }
    if (row.hash === 0) return [...row.members];
    rows.set(Math.clz32(row.hash), row);
  }
  throw new Error("33 numbers of 32 bits are dependent");
}

test("configurations with one hash are told apart", () => {
  const visited = new Visited();
  const without = membersWithoutHash(40);
  const placed = (members: readonly number[]): PlacedSet => {
    const set = new PlacedSet(200);
    for (const member of [...members, 199]) set.toggle(member);
    return set;
  };
  expect(placed(without).hash).toBe(placed([]).hash);
  expect(visited.add(placed([]), 1)).toBe(true);
  expect(visited.add(placed(without), 1)).toBe(true);
  expect(visited.add(placed([]), 1)).toBe(false);
  expect(visited.add(placed(without), 1)).toBe(false);
});

test("a table that has grown forgets nothing", () => {
  const visited = new Visited();
  const placed = new PlacedSet(64);
  const add = (state: number): boolean => visited.add(placed, state);
  const states = Array.from({ length: 5000 }, (_, state) => state);
  expect(states.every(add)).toBe(true);
  expect(states.some(add)).toBe(false);
});
