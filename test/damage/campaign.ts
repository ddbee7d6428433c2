// Many trials over some processes: one that dies in a trial is replaced, and the trial is counted.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Described, Job, Mode, Report } from "./host.ts";
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
    const job: Job = { mode, mix, seed, from, to: trialsPerSeed };
    from = await withDirectory((place) => new HostProcess(host, place, job, tally).run());
  }
}

/** One process with one job, up to its end or its death. */
class HostProcess {
  readonly #child: ChildProcess;
  readonly #job: Job;
  readonly #tally: Tally;
  #next: number;
  #current: ({ readonly number: number } & Described) | null = null;
  #words = "";
  #watch: NodeJS.Timeout | undefined;

  constructor(host: string, place: string, job: Job, tally: Tally) {
    const env = { ...process.env, [placeVariable]: place };
    this.#child = fork(host, { stdio: ["ignore", "ignore", "pipe", "ipc"], execArgv: [], env });
    this.#job = job;
    this.#tally = tally;
    this.#next = job.from;
  }

  /** The number of the first trial that is still to be done. */
  async run(): Promise<number> {
    const child = this.#child;
    child.stderr?.on("data", (chunk: Buffer) => {
      this.#words = (this.#words + chunk.toString("latin1")).slice(-2_000);
    });
    child.on("message", (report: Report) => this.#take(report));
    // The last reports and words of a process that dies may come after the news of its death.
    const ended = Promise.all([once(child, "close"), once(child, "disconnect")]);
    this.#rewind();
    child.send(this.#job);
    await ended;
    clearTimeout(this.#watch);
    if (this.#current !== null) this.#note(verdictOnDeath(child.signalCode, this.#words));
    else if (this.#next < this.#job.to) throw new Error(`a host has ended: ${this.#words}`);
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
    const { mode, mix, seed } = this.#job;
    this.#tally.add(`${mode} ${mix} seed ${seed} trial ${current.number}`, current, verdict);
    this.#next = current.number + 1;
    this.#current = null;
  }

  #rewind(): void {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => this.#child.kill("SIGKILL"), trialMsMax);
  }
}

/** LevelDB checks some of its own invariants by abort(3): no answer was given. */
function verdictOnDeath(signal: string | null, words: string): Verdict {
  if (signal === "SIGABRT" && /Assertion .* failed/.test(words)) {
    return { outcome: "aborted", cutSaves: 0 };
  }
  return { problem: `the process died of ${signal ?? "itself"}: ${words}` };
}
