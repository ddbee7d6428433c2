// One run: a cluster of its own, clients on every node, faults one after another, then the judgement.

import { Random } from "../../differential/random.ts";
import { Load } from "../clients/load.ts";
import { Recorder } from "../clients/recorder.ts";
import { Workload } from "../clients/workload.ts";
import { ChaosCluster } from "../cluster/cluster.ts";
import { pause } from "../cluster/until.ts";
import { clockJumpSeconds } from "../faults/clock.ts";
import { type Fault, usualHoldMs } from "../faults/fault.ts";
import type { Ability } from "../machine/abilities.ts";
import { type Cycle, errorsAtLiving, errorsInWords, longestGaps } from "./availability.ts";
import { readEverything } from "./final-reads.ts";
import { expirySlackMs, judge } from "./verdict.ts";

export interface RunPlan {
  /** What the run is called in the table. */
  readonly name: string;
  /** Drawn from for each cycle. */
  readonly faults: readonly Fault[];
  readonly nodes: number;
  /** Of load; starting the cluster and the judgement come on top. */
  readonly seconds: number;
  /** Ends the load after so many faults, if the time has not ended it before. */
  readonly cyclesMax?: number;
  readonly seed: number;
  /** Takes each operation as a line of NDJSON. */
  readonly history?: (line: string) => void;
  readonly progress?: (line: string) => void;
}

export interface RunResult {
  readonly name: string;
  readonly seed: number;
  readonly nodes: number;
  readonly operations: number;
  /** Acknowledged operations per second before the first fault. */
  readonly rateBefore: number;
  /** Too slow before the first fault for a verdict to say anything. */
  readonly isVoid: boolean;
  readonly cycles: readonly Cycle[];
  /** Without an acknowledged write, by cycle, in milliseconds. */
  readonly gapsMs: readonly number[];
  /** Seen by clients of nodes that lived. */
  readonly errors: number;
  readonly errorExamples: readonly string[];
  readonly anomalies: readonly string[];
  /** Keys on which the checker's budget ran out. */
  readonly unknown: readonly string[];
}

/** As etcd's robustness suite: below it a run is void. */
const rateMin = 100;
const warmUpMs = 1_000;
/** For a machine that has other things to do at first. */
const warmUpsMax = 8;
/** Between the recovery from one fault and the next one. */
const calmMs = 1_000;

export async function runChaos(plan: RunPlan): Promise<RunResult> {
  const needs = [...new Set<Ability>(plan.faults.flatMap((fault) => fault.needs))];
  plan.progress?.(`starting ${plan.nodes} nodes`);
  const cluster = await ChaosCluster.start(plan.nodes, needs);
  try {
    return await new Run(plan, cluster).result();
  } finally {
    await cluster.dispose();
  }
}

class Run {
  readonly #plan: RunPlan;
  readonly #cluster: ChaosCluster;
  readonly #random: Random;
  readonly #recorder: Recorder;
  readonly #cycles: Cycle[] = [];
  readonly #anomalies: string[] = [];
  #doing = "warming up";

  constructor(plan: RunPlan, cluster: ChaosCluster) {
    this.#plan = plan;
    this.#cluster = cluster;
    this.#random = new Random(plan.seed);
    this.#recorder = new Recorder((line) => plan.history?.(line));
  }

  async result(): Promise<RunResult> {
    const { name, seed, nodes } = this.#plan;
    const workload = new Workload(this.#random);
    const parts = { recorder: this.#recorder, workload, random: this.#random };
    const load = new Load(this.#cluster.nodes, parts);
    const ticker = setInterval(() => this.#report(), 1_000);
    let rateBefore = 0;
    let loadEnd = 0;
    try {
      rateBefore = await this.#warmUp();
      await this.#cycle();
      this.#doing = "checking";
      loadEnd = this.#recorder.now();
    } catch (error) {
      loadEnd = this.#recorder.now();
      this.#anomalies.push(`the run broke off: ${(error as Error).message}`);
    } finally {
      await load.stop();
      clearInterval(ticker);
    }
    if (this.#anomalies.length === 0) await this.#compare(workload);
    const history = this.#recorder.operations;
    const errors = errorsAtLiving(history, this.#cycles);
    const verdict = judge(history, this.#slackMs());
    return {
      ...{ name, seed, nodes, rateBefore },
      operations: history.length,
      isVoid: rateBefore < rateMin,
      cycles: this.#cycles,
      gapsMs: longestGaps(history, this.#cycles, loadEnd),
      errors: errors.length,
      errorExamples: errorsInWords(errors),
      anomalies: [...this.#anomalies, ...this.#unexpectedEnds(), ...verdict.anomalies],
      unknown: verdict.unknown,
    };
  }

  /** Acknowledged operations per second, once there are enough of them. */
  async #warmUp(): Promise<number> {
    let rate = 0;
    for (let attempt = 0; rate < rateMin && attempt < warmUpsMax; attempt++) {
      const before = this.#acknowledged();
      await pause(warmUpMs);
      rate = Math.round((this.#acknowledged() - before) / (warmUpMs / 1_000));
    }
    return rate;
  }

  async #cycle(): Promise<void> {
    const deadline = performance.now() + this.#plan.seconds * 1_000;
    const { cyclesMax = Number.POSITIVE_INFINITY } = this.#plan;
    do {
      await this.#oneFault(this.#random.pick(this.#plan.faults));
      this.#doing = "calm";
      await pause(calmMs);
    } while (performance.now() < deadline && this.#cycles.length < cyclesMax);
  }

  async #oneFault(fault: Fault): Promise<void> {
    const scene = { cluster: this.#cluster, random: this.#random };
    const holdMs = this.#random.between(...(fault.holdMs ?? usualHoldMs));
    this.#doing = fault.name;
    const term = await this.#cluster.term();
    const start = this.#recorder.now();
    const trouble = await fault.start(scene);
    await pause(holdMs);
    const heal = this.#recorder.now();
    await trouble.heal();
    this.#doing = `healed ${fault.name}`;
    await this.#cluster.recovered();
    const victims = trouble.victims.map(({ slot }) => slot);
    const recovered = this.#recorder.now();
    const terms = (await this.#cluster.term()) - term;
    this.#cycles.push({ fault: fault.name, victims, start, heal, recovered, terms });
  }

  async #compare(workload: Workload): Promise<void> {
    try {
      await this.#cluster.agrees();
      const { nodes } = this.#cluster;
      this.#anomalies.push(...(await readEverything(nodes, workload.keys, this.#recorder)));
    } catch (error) {
      this.#anomalies.push(`after the faults: ${(error as Error).message}`);
    }
  }

  #unexpectedEnds(): string[] {
    const { nodes, spare } = this.#cluster;
    return [...nodes, spare].flatMap((node) => node.unexpectedEnds);
  }

  #slackMs(): number {
    const hasJumps = this.#plan.faults.some(({ family }) => family === "clock");
    // From an hour behind to an hour ahead.
    return expirySlackMs + (hasJumps ? 2 * clockJumpSeconds * 1_000 : 0);
  }

  #acknowledged(): number {
    return this.#recorder.operations.filter(({ kind }) => kind === "ok").length;
  }

  #lastReported = 0;

  #report(): void {
    const { operations } = this.#recorder;
    const seconds = Math.round(this.#recorder.now() / 1e9);
    const recent = operations.length - this.#lastReported;
    this.#lastReported = operations.length;
    const failed = operations.filter(({ kind }) => kind !== "ok").length;
    this.#plan.progress?.(`${seconds} s  ${recent} op/s  ${failed} not ok  ${this.#doing}`);
  }
}
