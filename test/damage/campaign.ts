// Many trials over some processes: one that dies in a trial is replaced, and the trial is counted.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Described, Job, Mode, Report, Trials } from "./host.ts";
import { placeVariable, withDirectory } from "./image.ts";
import { Tally } from "./tally.ts";
import type { Mix } from "./trial.ts";
import type { Verdict } from "./verdict.ts";

export interface Plan {
  /** The compiled host.ts. */
  readonly host: string;
  readonly mode: Mode;
  readonly mix: Mix;
  readonly firstSeed: number;
  readonly seeds: number;
  readonly trialsPerSeed: number;
  /** Processes at a time. */
  readonly processes: number;
  /** After this many ms no new seed is begun. */
  readonly limitMs?: number;
}

/** A trial that hangs is a failure: no start of these small directories takes a second. */
const trialMsMax = 60_000;

export async function campaign(plan: Plan): Promise<Tally> {
  const tally = new Tally();
  const deadline = Date.now() + (plan.limitMs ?? Number.POSITIVE_INFINITY);
  let next = plan.firstSeed;
  const lane = async () => {
    while (next < plan.firstSeed + plan.seeds && Date.now() < deadline) {
      const seed = next;
      next += 1;
      await runSeed(plan, seed, tally);
    }
  };
  await Promise.all(Array.from({ length: plan.processes }, lane));
  return tally;
}

async function runSeed(plan: Plan, seed: number, tally: Tally): Promise<void> {
  const { host, mode, mix, trialsPerSeed } = plan;
  for (let from = 0; from < trialsPerSeed; ) {
    const trials: Trials = { mode, mix, seed, from, to: trialsPerSeed };
    from = await withDirectory((place) => new HostProcess(host, place, trials, tally).run());
  }
}

function forkHost(host: string, place: string): ChildProcess {
  const env = { ...process.env, [placeVariable]: place };
  return fork(host, { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: [], env });
}

/** The last reports and words of a process that dies may come after the news of its death. */
async function ended(child: ChildProcess): Promise<void> {
  await Promise.all([once(child, "close"), once(child, "disconnect")]);
}

/** One process with some trials, up to its end or its death. */
class HostProcess {
  readonly #child: ChildProcess;
  readonly #host: string;
  readonly #place: string;
  readonly #trials: Trials;
  readonly #tally: Tally;
  #next: number;
  #current: ({ readonly number: number } & Described) | null = null;
  #words = "";
  #watch: NodeJS.Timeout | undefined;

  constructor(host: string, place: string, trials: Trials, tally: Tally) {
    this.#child = forkHost(host, place);
    this.#host = host;
    this.#place = place;
    this.#trials = trials;
    this.#tally = tally;
    this.#next = trials.from;
  }

  /** The number of the first trial that is still to be done. */
  async run(): Promise<number> {
    const child = this.#child;
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#words = (this.#words + chunk.toString("latin1")).slice(-2_000);
    });
    child.on("message", (report: Report) => this.#take(report));
    const end = ended(child);
    this.#rewind();
    child.send(this.#trials);
    await end;
    clearTimeout(this.#watch);
    if (this.#current !== null) this.#note(await this.#verdictOnDeath());
    else if (this.#next < this.#trials.to) throw new Error(`a host has ended: ${this.#words}`);
    return this.#next;
  }

  #take(report: Report): void {
    this.#rewind();
    if ("begins" in report) this.#current = report.begins;
    else this.#note(report.verdict);
  }

  #note(verdict: Verdict): void {
    const current = this.#current;
    if (current === null) return;
    const { mode, mix, seed } = this.#trials;
    this.#tally.add(`${mode} ${mix} seed ${seed} trial ${current.number}`, current, verdict);
    this.#next = current.number + 1;
    this.#current = null;
  }

  #rewind(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#child.kill("SIGKILL"), trialMsMax);
  }

  /** LevelDB checks some of its own invariants by abort(3): no answer was given. */
  async #verdictOnDeath(): Promise<Verdict> {
    const signal = this.#child.signalCode;
    if (signal !== "SIGABRT" || !/Assertion .* failed/.test(this.#words)) {
      return { problem: `the process died of ${signal ?? "itself"}: ${this.#words}` };
    }
    return this.#verdictOfNextStart(join(this.#place, readdirSync(this.#place)[0] ?? ""));
  }

  /** On the directory that the trial has left; all others have removed theirs. */
  async #verdictOfNextStart(startOn: string): Promise<Verdict> {
    // Without the mark the process did not die of the load: the next one may do so first.
    const isMarked = existsSync(join(startOn, "checkpoint-loading"));
    let next = await startAgain(this.#host, this.#place, startOn);
    if (next === "aborted" && !isMarked) next = await startAgain(this.#host, this.#place, startOn);
    if (next === "aborted") return { problem: "the process was aborted, and so was the next one" };
    return "problem" in next ? next : { ...next, outcome: "aborted" };
  }
}

async function startAgain(
  host: string,
  place: string,
  startOn: string,
): Promise<Verdict | "aborted"> {
  const child = forkHost(host, place);
  let verdict: Verdict | null = null;
  child.on("message", (report: Report) => {
    if ("verdict" in report) verdict = report.verdict;
  });
  const end = ended(child);
  const watch = setTimeout(() => child.kill("SIGKILL"), trialMsMax);
  const job: Job = { startOn };
  child.send(job);
  await end;
  clearTimeout(watch);
  if (child.signalCode === "SIGABRT") return "aborted";
  return verdict ?? { problem: `the start after an abort died of ${child.signalCode ?? "itself"}` };
}
