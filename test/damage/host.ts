// A process that runs trials for another one: LevelDB may abort it, and that is an outcome too.

import type { DamageName } from "./damages.ts";
import type { FileKind } from "./file-kinds.ts";
import { logTrial } from "./log-trial.ts";
import { type Prepared, prepare } from "./prepare.ts";
import { runningTrial } from "./running-trial.ts";
import { servingTrial } from "./serving-trial.ts";
import { type Chosen, choose, endingOf, type Mix, startAgain, startTrial } from "./trial.ts";
import type { Verdict } from "./verdict.ts";

/**
 * - "log": the log alone.
 * - "start": the steps of a start, without a network.
 * - "serving": the node as it is, read by a client.
 * - "running": damaged while it serves, then started again.
 */
export type Mode = "log" | "start" | "serving" | "running";

/** Trials [from, to) of one seed. */
export interface Trials {
  readonly mode: Mode;
  readonly mix: Mix;
  readonly seed: number;
  readonly from: number;
  readonly to: number;
}

/** After a death: the next start on the directory that the trial has left. */
export interface Again {
  readonly startOn: string;
}

export type Job = Trials | Again;

/** What a trial is about to do; then, when the process has lived through it, how it went. */
export type Report =
  | { readonly begins: { readonly number: number } & Described }
  | { readonly verdict: Verdict };

export interface Described {
  readonly name: DamageName;
  readonly kind: FileKind;
  readonly text: string;
}

const trials: Readonly<Record<Mode, (prepared: Prepared, chosen: Chosen) => Promise<Verdict>>> = {
  log: logTrial,
  start: startTrial,
  serving: servingTrial,
  running: runningTrial,
};

async function work(job: Job): Promise<void> {
  if ("startOn" in job) await tell({ verdict: await attempt(() => startAgain(job.startOn)) });
  else await runTrials(job);
}

async function runTrials({ mode, mix, seed, from, to }: Trials): Promise<void> {
  const prepared = await prepare(seed);
  for (let number = from; number < to; number += 1) {
    const ending = endingOf(number);
    const chosen = choose(prepared[ending], number, mix);
    const { name, kind, text } = chosen.damage;
    await tell({ begins: { number, name, kind, text: `${ending}, ${text}` } });
    await tell({ verdict: await attempt(() => trials[mode](prepared[ending], chosen)) });
  }
}

async function attempt(run: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await run();
  } catch (error) {
    return { problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

/** Resolves when the other process can read it, whatever happens to this one. */
function tell(report: Report): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send?.(report, (error: Error | null) => (error === null ? resolve() : reject(error)));
  });
}

process.on("message", (job: Job) => {
  work(job).then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    },
  );
});
process.once("disconnect", () => process.exit(1));
