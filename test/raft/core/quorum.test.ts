// Majorities are pure arithmetic.

import fc from "fast-check";
import { expect, test } from "vitest";
import { countVotes, majority, reachedByMajority } from "../../../src/raft/core/quorum.ts";
import { asNode } from "../../../src/raft/core/types.ts";

test("two majorities of one configuration share a member", () => {
  for (let voters = 1; voters <= 9; voters += 1)
    expect(2 * majority(voters)).toBeGreaterThan(voters);
  expect([1, 2, 3, 4, 5].map(majority)).toEqual([1, 2, 2, 3, 3]);
});

test("a value is reached by a majority when that many are at least as large, and no larger one is", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { minLength: 1, maxLength: 9 }), (values) => {
      const reached = reachedByMajority(values);
      const atLeast = (limit: number) => values.filter((value) => value >= limit).length;
      expect(atLeast(reached)).toBeGreaterThanOrEqual(majority(values.length));
      expect(atLeast(reached + 1)).toBeLessThan(majority(values.length));
    }),
  );
  expect(reachedByMajority([])).toBe(0);
});

test("an election is won or lost as soon as the missing votes cannot change it", () => {
  const voters = [1, 2, 3, 4].map(asNode);
  const count = (votes: Record<number, boolean>) =>
    countVotes(
      voters,
      new Map(Object.entries(votes).map(([id, vote]) => [asNode(Number(id)), vote])),
    );
  expect(count({ 1: true, 2: true })).toBe("pending");
  expect(count({ 1: true, 2: true, 9: true })).toBe("pending");
  expect(count({ 1: true, 2: true, 3: true })).toBe("won");
  expect(count({ 1: true, 2: false })).toBe("pending");
  expect(count({ 1: true, 2: false, 3: false })).toBe("lost");
  expect(countVotes([], new Map())).not.toBe("won");
});
