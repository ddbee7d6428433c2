// The thread of one hunt: runs seeds of one simulation with the program it was compiled with, until one fails.

import { parentPort, workerData } from "node:worker_threads";
import { drawPlan, withLeases } from "../simulation/plan.ts";
import { simulate } from "../simulation/simulation.ts";
import { noMarks } from "../support/raft-marks.ts";
import { Simulation } from "../support/raft-simulation.ts";
import type { Run } from "./mutant.ts";

/** What a thread has to do. */
export interface Seeds {
  readonly run: Run;
  /** In this order, until one fails. */
  readonly seeds: readonly number[];
}

/** After each seed; `broken` names the promise, and ends the hunt. */
export interface Report {
  readonly seed: number;
  readonly broken: string | null;
}

/** Steps of one seed of the core: as many as in its own test. */
const coreSteps = 2000;
const wordsMax = 120;

/** Null, or the first promise that this seed sees broken. */
async function broken(run: Run, seed: number): Promise<string | null> {
  if (run === "core") return brokenInCore(seed);
  const plan = drawPlan(seed);
  const { violation } = await simulate(run === "leases" ? withLeases(plan) : plan);
  return violation?.message ?? null;
}

function brokenInCore(seed: number): string | null {
  try {
    new Simulation(seed, noMarks()).run(coreSteps);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const port = parentPort;
if (port !== null) {
  const { run, seeds } = workerData as Seeds;
  for (const seed of seeds) {
    const found = await broken(run, seed);
    const words = found?.split("\n")[0]?.slice(0, wordsMax) ?? null;
    port.postMessage({ seed, broken: words } satisfies Report);
    if (found !== null) break;
  }
}
