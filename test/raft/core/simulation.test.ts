// Whole clusters under loss, duplication, reordering, partitions, crashes and membership changes.

import { expect, test } from "vitest";
import { noMarks, Simulation } from "../../support/raft-simulation.ts";

const seeds = Number(process.env["RAFT_SEEDS"] ?? 300);
const firstSeed = Number(process.env["RAFT_FIRST_SEED"] ?? 1);
const steps = 2000;

test(`the invariants of Raft hold over ${seeds} seeds of ${steps} steps each`, { timeout: 600_000 }, () => {
  const marks = noMarks();
  for (let seed = firstSeed; seed < firstSeed + seeds; seed += 1) {
    try {
      new Simulation(seed, marks).run(steps);
    } catch (error) {
      throw new Error(`seed ${seed} (RAFT_SEEDS=1 RAFT_FIRST_SEED=${seed})`, { cause: error });
    }
  }
  if (process.env["RAFT_MARKS"]) process.stderr.write(`${JSON.stringify(marks)}\n`);
  // A run that never met these states would prove nothing about them.
  if (seeds >= 100) for (const [mark, count] of Object.entries(marks)) expect(count, mark).toBeGreaterThan(0);
});
