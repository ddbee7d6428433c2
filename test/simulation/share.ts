// Seeds in a test: two files take half each, because test files run side by side.

import { expect } from "vitest";
import { Marks } from "./marks.ts";
import { describeViolation, runSeed } from "./run-seed.ts";

const { SIMULATION_SEEDS, SIMULATION_FROM } = process.env;
const seeds = Number(SIMULATION_SEEDS ?? 1_200);
const from = Number(SIMULATION_FROM ?? 1);
/** So many seeds meet every fault and every interesting state. */
const seedsForAll = 400;

/** Runs every second seed, beginning with the first or the second. */
export async function runHalf(half: 0 | 1): Promise<Marks> {
  const marks = new Marks();
  for (let seed = from + half; seed < from + seeds; seed += 2) {
    const outcome = await runSeed(seed);
    if (outcome.violation !== null) expect.fail(describeViolation(seed, outcome));
    marks.add(outcome.marks);
  }
  if (marks.seeds >= seedsForAll) expect(marks.missing).toEqual([]);
  return marks;
}
