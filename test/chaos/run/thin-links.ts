// What large values cost where links between nodes are thin: elections, and how long others wait.

import { LineClient } from "../clients/line-client.ts";
import { Probe } from "../clients/probe.ts";
import { ChaosCluster } from "../cluster/cluster.ts";
import type { ChaosNode } from "../cluster/node.ts";
import { statusOf } from "../cluster/status.ts";
import { pause } from "../cluster/until.ts";
import { layOut } from "./report.ts";

const MiB = 1024 * 1024;
/** 100 and 200 Mbit/s. */
const rates = [12_500_000, 25_000_000];
const nodes = 3;
const probeMs = 20;
const settleMs = 1_000;
const patienceMs = 90_000;
/** Of a pipeline through each follower. */
const pipelined = 80;

export interface ThinLinks {
  readonly what: string;
  readonly bytesPerSecond: number;
  /** Until everything was answered; null: it was not, in `patienceMs`. */
  readonly ms: number | null;
  readonly elections: number;
  readonly errors: readonly string[];
  readonly writes: number;
  readonly entries: number;
  readonly worstReadMs: number;
  readonly worstWriteMs: number;
}

interface Job {
  readonly what: string;
  readonly through: readonly ChaosNode[];
  readonly count: number;
  readonly bytes: number;
}

export async function measureThinLinks(progress: (line: string) => void): Promise<ThinLinks[]> {
  const results: ThinLinks[] = [];
  for (const bytesPerSecond of rates) {
    for (const kind of ["at the leader", "through both followers"] as const) {
      progress(`${bytesPerSecond / 1e6} MB/s, ${kind}`);
      results.push(await measureOne(bytesPerSecond, kind));
    }
  }
  return results;
}

async function measureOne(
  bytesPerSecond: number,
  kind: "at the leader" | "through both followers",
): Promise<ThinLinks> {
  const cluster = await ChaosCluster.start(nodes, ["proxies"]);
  try {
    await cluster.recovered();
    cluster.throttle(bytesPerSecond);
    await pause(settleMs);
    const leader = await cluster.leader();
    const followers = cluster.nodes.filter((node) => node !== leader);
    const job =
      kind === "at the leader"
        ? { what: `SET of 64 MiB ${kind}`, through: [leader], count: 1, bytes: 64 * MiB }
        : { what: `SETs of 1 MiB ${kind}`, through: followers, count: pipelined, bytes: MiB };
    return { bytesPerSecond, ...(await carryOut(cluster, job, followers)) };
  } finally {
    await cluster.dispose();
  }
}

async function carryOut(
  cluster: ChaosCluster,
  { what, through, count, bytes }: Job,
  followers: readonly ChaosNode[],
): Promise<Omit<ThinLinks, "bytesPerSecond">> {
  const [term, last] = [await cluster.term(), await committed(cluster)];
  const [one, other = one] = followers.map(({ address }) => address);
  if (one === undefined || other === undefined) throw new Error("a cluster has followers");
  const reader = await Probe.begin(one, ["EXISTS", "probe"], probeMs);
  const writer = await Probe.begin(other, ["SET", "probe", "x"], probeMs);
  const began = performance.now();
  const clients = await Promise.all(through.map(({ address }) => LineClient.connect(address)));
  const done = await Promise.all(
    clients.map((client, at) => load(client, { prefix: `big${at}`, count, bytes })),
  );
  const ms = performance.now() - began;
  const elections = (await cluster.term()) - term;
  await Promise.all([reader.end(), writer.end()]);
  for (const client of clients) client.close();
  return {
    ...{ what, ms: done.every(Boolean) ? ms : null, elections, writes: count * through.length },
    errors: clients.flatMap(({ errors }) => errors),
    entries: (await committed(cluster)) - last - writer.answers,
    worstReadMs: reader.worstMs,
    worstWriteMs: writer.worstMs,
  };
}

/** Whether everything was answered in time. */
async function load(
  client: LineClient,
  {
    prefix,
    count,
    bytes,
  }: { readonly prefix: string; readonly count: number; readonly bytes: number },
): Promise<boolean> {
  const value = "x".repeat(bytes);
  const deadline = performance.now() + patienceMs;
  const sent = (async () => {
    for (let each = 0; each < count; each++) await client.send(["SET", `${prefix}-${each}`, value]);
  })();
  const isDone = await client.hasReplies(count, deadline - performance.now());
  if (!isDone) client.close();
  await sent;
  return isDone;
}

/** Entries, by what the nodes that answer know. */
async function committed({ living }: ChaosCluster): Promise<number> {
  const all = await Promise.all(living.map(({ address }) => statusOf(address)));
  return Math.max(0, ...all.map((status) => status?.commitIndex ?? 0));
}

export function thinLinksTable(results: readonly ThinLinks[]): string {
  const inMs = (ms: number): string => `${Math.round(ms)} ms`;
  return layOut([
    [
      "what",
      "MB/s",
      "answered",
      "elections",
      "errors",
      "writes",
      "entries",
      "read waits",
      "write waits",
    ],
    ...results.map((each) => [
      each.what,
      String(each.bytesPerSecond / 1e6),
      each.ms === null ? `not in ${patienceMs / 1_000} s` : `${(each.ms / 1_000).toFixed(1)} s`,
      String(each.elections),
      String(each.errors.length),
      String(each.writes),
      String(each.entries),
      inMs(each.worstReadMs),
      inMs(each.worstWriteMs),
    ]),
  ]);
}
