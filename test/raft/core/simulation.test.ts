// Whole clusters under loss, duplication, reordering, partitions, crashes and membership changes.

import { expect, test } from "vitest";
import { noMarks } from "../../support/raft-marks.ts";
import { Simulation } from "../../support/raft-simulation.ts";

const { RAFT_SEEDS, RAFT_FIRST_SEED } = process.env;
const seeds = Number(RAFT_SEEDS ?? 300);
const first = Number(RAFT_FIRST_SEED ?? 1);
const steps = 2000;

test("the invariants of Raft hold over every seed", { timeout: 3_600_000 }, () => {
  const marks = noMarks();
  for (let seed = first; seed < first + seeds; seed += 1) {
    try {
      new Simulation(seed, marks).run(steps);
    } catch (error) {
      const again = `RAFT_SEEDS=1 RAFT_FIRST_SEED=${seed}`;
      throw new Error(`seed ${seed} fails: ${String(error)} (again with ${again})`, {
        cause: error,
      });
    }
  }
  // Runs that never met one of these states would prove nothing about it.
  if (seeds < 300) return;
  for (const [mark, count] of Object.entries(marks)) expect(count, mark).toBeGreaterThan(0);
});

test("one seed is one run", { timeout: 60_000 }, () => {
  const [once, again] = [noMarks(), noMarks()];
  new Simulation(7, once).run(steps);
  new Simulation(7, again).run(steps);
  expect(once).toEqual(again);
  expect(once.commits).toBeGreaterThan(0);
});
