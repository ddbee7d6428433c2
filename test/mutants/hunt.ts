// One mutant against seeds, in a thread of its own, because it may do anything: throw, hang or eat memory.

import { Worker } from "node:worker_threads";
import type { Report, Seeds } from "./hunter.ts";
import type { Mutant } from "./mutant.ts";
import type { Program } from "./program.ts";

/** A seed of the unchanged program is done in a fraction of it, on a busy machine too. */
const seedMsMax = 60_000;
const megabytesMax = 1024;

export interface Catch {
  readonly seed: number;
  /** The promise that was seen broken. */
  readonly invariant: string;
}

/** Seeds [from, to]. */
export const seedsOf = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, at) => from + at);

/** The first seed that sees the mutant; null when none does. Without a mutant: the unchanged program. */
export async function hunt(
  program: Program,
  mutant: Mutant | null,
  seeds: Seeds,
): Promise<Catch | null> {
  const script = await program.prepare(mutant);
  const worker = new Worker(script, {
    workerData: seeds,
    resourceLimits: { maxOldGenerationSizeMb: megabytesMax },
  });
  try {
    return await watch(worker, seeds);
  } finally {
    await worker.terminate();
  }
}

function watch(worker: Worker, { seeds }: Seeds): Promise<Catch | null> {
  return new Promise((resolve, reject) => {
    const waiting = [...seeds];
    let timer: NodeJS.Timeout | undefined;
    const expectReport = (): void => {
      clearTimeout(timer);
      const seed = waiting.shift();
      if (seed === undefined) return;
      timer = setTimeout(() => {
        reject(new Error(`seed ${seed} does not come to an end`));
      }, seedMsMax);
    };
    expectReport();
    worker.on("message", (report: Report) => {
      if (report.broken !== null) resolve({ seed: report.seed, invariant: report.broken });
      expectReport();
    });
    worker.on("error", reject);
    worker.on("exit", () => {
      clearTimeout(timer);
      resolve(null);
    });
  });
}
