// What clients of the leader feel while a third node gets a snapshot: SET and GET during the transfer and after it.

import { loadavg } from "node:os";
import { type Case, columns } from "../../../benchmarks/cases.ts";
import { fill } from "../../../benchmarks/footprint.ts";
import { measure } from "../../../benchmarks/redis-benchmark.ts";
import { encodeRequest, RawClient } from "../../support/raw-client.ts";
import { ChaosCluster } from "../cluster/cluster.ts";
import type { ChaosNode } from "../cluster/node.ts";
import { type Member, question, statusOf } from "../cluster/status.ts";
import { pause, until } from "../cluster/until.ts";
import { layOut } from "./report.ts";

const cases = columns.filter(({ name }) => name === "SET c50" || name === "GET c50");
const sliceSeconds = 1;
/** Of each kind, when three nodes vote. */
const slicesAfter = 5;
const watchMs = 100;
const patienceMs = 300_000;
/** More than a segment of the log, so that the first one can be cut. */
const fillerBytes = 1024 * 1024;
const fillers = 80;

export interface SnapshotCost {
  readonly keys: number;
  /** Runnable processes of the machine, on average, in the minute before the measurement. */
  readonly load: number;
  readonly transferMs: number;
  /** Per kind of request: requests per second of every slice. */
  readonly rates: readonly Rates[];
}

interface Rates {
  readonly name: string;
  readonly during: number[];
  readonly after: number[];
}

/** Two nodes with so many keys; a third one joins while redis-benchmark asks the leader. */
export async function measureSnapshot(
  keys: number,
  progress: (line: string) => void,
): Promise<SnapshotCost> {
  const load = loadavg()[0] ?? Number.NaN;
  const cluster = await ChaosCluster.start(2, []);
  try {
    const leader = await cluster.leader();
    progress(`${keys} keys are written`);
    await fill(leader.address.port, { keys, valueBytes: 16 });
    await cutLog(leader);
    const rates = cases.map(({ name }) => ({ name, during: [], after: [] }));
    // New keys of redis-benchmark, and code that was never run, belong to neither side.
    for (const what of cases) progress(`two nodes: ${what.name} ${await rateOf(leader, what)}/s`);
    const newcomer = new Newcomer(cluster, leader);
    const watched = newcomer.join();
    await Promise.all([watched, measureDuring(newcomer, rates, progress)]);
    await measureAfter(leader, rates, progress);
    return { keys, load, transferMs: newcomer.transferMs, rates };
  } finally {
    await cluster.dispose();
  }
}

/** From now on a new member needs the checkpoint. */
async function cutLog({ address }: ChaosNode): Promise<void> {
  const backlog = "repl-backlog-size";
  const [, usual] = (await question(address, ["CONFIG", "GET", backlog])) as readonly string[];
  await question(address, ["CONFIG", "SET", backlog, "0"]);
  const client = await RawClient.connect(address.port);
  const filler = encodeRequest(["SET", "filler", "x".repeat(fillerBytes)]);
  for (let round = 0; round < fillers; round++) await client.batch(filler);
  await client.ask("DEL", "filler");
  client.close();
  // Refused while another checkpoint is written, which may have begun too early.
  await until("a checkpoint", patienceMs, () =>
    question(address, ["SAVE"], patienceMs).catch(() => null),
  );
  // What is written meanwhile has to be there when it catches up.
  await question(address, ["CONFIG", "SET", backlog, String(usual)]);
}

type Phase = "waits" | "gets the snapshot" | "catches up" | "votes";

/** The third node, as the leader sees it. */
class Newcomer {
  phase: Phase = "waits";
  percent = 0;
  transferMs = 0;
  readonly leader: ChaosNode;
  readonly #cluster: ChaosCluster;
  #beganMs = 0;

  constructor(cluster: ChaosCluster, leader: ChaosNode) {
    this.#cluster = cluster;
    this.leader = leader;
  }

  /** Resolves when it votes. */
  async join(): Promise<void> {
    const { spare, nodes } = this.#cluster;
    spare.start(this.leader.address);
    const deadline = performance.now() + patienceMs;
    for (; this.phase !== "votes"; await pause(watchMs)) {
      const status = await statusOf(this.leader.address);
      const member = status?.members[nodes.length];
      if (member !== undefined) this.#see(member);
      if (performance.now() > deadline) throw new Error(`it does not vote: ${spare.log}`);
    }
    if (this.transferMs === 0) throw new Error("the third node has needed no snapshot");
  }

  #see({ role, snapshotPercent }: Member): void {
    const nowMs = performance.now();
    if (snapshotPercent !== null) {
      if (this.phase === "waits") this.#beganMs = nowMs;
      this.phase = "gets the snapshot";
      this.percent = snapshotPercent;
      this.transferMs = nowMs - this.#beganMs;
    } else if (role !== "learner") this.phase = "votes";
    else if (this.phase === "gets the snapshot") this.phase = "catches up";
  }
}

/** What began or ended outside of the transfer does not count. */
async function measureDuring(
  newcomer: Newcomer,
  rates: readonly Rates[],
  progress: (line: string) => void,
): Promise<void> {
  for (let round = 0; newcomer.phase !== "votes"; round++) {
    const at = round % cases.length;
    const before = newcomer.phase;
    const rate = await rateOf(newcomer.leader, cases[at] as Case);
    const counts = before === "gets the snapshot" && newcomer.phase === before;
    if (counts) rates[at]?.during.push(rate);
    const { phase, percent } = newcomer;
    progress(`the third node ${phase} (${percent} %): ${cases[at]?.name} ${Math.round(rate)}/s`);
  }
}

async function measureAfter(
  leader: ChaosNode,
  rates: readonly Rates[],
  progress: (line: string) => void,
): Promise<void> {
  for (let round = 0; round < slicesAfter * cases.length; round++) {
    const at = round % cases.length;
    const rate = await rateOf(leader, cases[at] as Case);
    rates[at]?.after.push(rate);
    progress(`three nodes: ${cases[at]?.name} ${Math.round(rate)}/s`);
  }
}

async function rateOf({ address }: ChaosNode, what: Case): Promise<number> {
  return (await measure(address.port, what, sliceSeconds)).operationsPerSecond;
}

export function snapshotTable({ keys, load, transferMs, rates }: SnapshotCost): string {
  const mean = (values: readonly number[]) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return layOut([
    ["request", "keys", "transfer", "during", "slowest", "after", "ratio", "load before"],
    ...rates.map(({ name, during, after }) => [
      name,
      String(keys),
      `${(transferMs / 1000).toFixed(1)} s`,
      ...[mean(during), Math.min(...during), mean(after)].map((rate) => `${Math.round(rate)}/s`),
      (mean(during) / mean(after)).toFixed(2),
      load.toFixed(1),
    ]),
  ]);
}
