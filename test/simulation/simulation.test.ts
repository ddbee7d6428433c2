// The simulation itself: one seed is one run, kept seeds stay green, a failure becomes small.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { baits } from "./bait.ts";
import { drawPlan } from "./plan.ts";
import { fromRanges, inRanges, reproduction } from "./run-seed.ts";
import { shrink } from "./shrink.ts";
import { simulate } from "./simulation.ts";

const kept = readFileSync(new URL("./seeds.txt", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => /^\d/.test(line))
  .map((line) => line.split(/ (.*)/));

describe("seeds that once failed keep every promise", () => {
  test.each(kept)("%s: %s", { timeout: 60_000 }, async (seed) => {
    expect((await simulate(drawPlan(Number(seed)))).violation).toBeNull();
  });
});

test("one seed is one run, another seed another", { timeout: 60_000 }, async () => {
  for (const seed of [3, 8, 12]) {
    const once = await simulate(drawPlan(seed));
    const again = await simulate(drawPlan(seed));
    expect(again.hash).toBe(once.hash);
    expect(again.history).toEqual(once.history);
    expect((await simulate(drawPlan(seed + 1))).hash).not.toBe(once.hash);
  }
});

test("chance from outside the seed is seen", { timeout: 60_000 }, async () => {
  let draws = 0;
  const bait = {
    replica(replica: { tick(): void }) {
      const tick = replica.tick.bind(replica);
      // Like a read of the real clock: it goes on from run to run.
      replica.tick = () => {
        draws += 1;
        if (draws % 97 !== 0) tick();
      };
    },
  };
  const once = await simulate(drawPlan(8), { bait });
  const again = await simulate(drawPlan(8), { bait });
  expect(again.hash).not.toBe(once.hash);
});

test("a failing seed shrinks to few faults and requests", { timeout: 120_000 }, async () => {
  const { bait } = baits["a read asks nobody"] ?? {};
  if (bait === undefined) throw new Error("no such bait");
  let seed = 1;
  while ((await simulate(drawPlan(seed), { bait })).violation === null) seed += 1;
  const { violation } = await simulate(drawPlan(seed), { bait });
  const omit = await shrink(seed, violation?.invariant ?? "", { bait });
  const plan = drawPlan(seed, omit);
  expect(plan.clients.flatMap(({ requests }) => requests).length).toBeLessThan(10);
  expect((await simulate(plan, { bait })).violation?.invariant).toBe(violation?.invariant);
});

test("numbers go through a command line and come back", () => {
  const numbers = new Set([9, 1, 2, 3, 7]);
  expect(inRanges(numbers)).toBe("1-3,7,9");
  expect(fromRanges(inRanges(numbers))).toEqual(numbers);
  expect(fromRanges("")).toEqual(new Set());
  expect(() => fromRanges("1-x")).toThrow("no number");
  expect(reproduction(5, { faults: numbers, operations: new Set() })).toBe(
    "npm run simulate -- --seed 5 --without-faults 1-3,7,9 --trace",
  );
});
