// What a follower costs its leader that comes back after 100 MiB of writes: the longest turn, elections.

import { encodeRequest } from "../../support/raw-client.ts";
import { LineClient } from "../clients/line-client.ts";
import { Probe } from "../clients/probe.ts";
import { ChaosCluster } from "../cluster/cluster.ts";
import type { ChaosNode } from "../cluster/node.ts";
import { statusOf } from "../cluster/status.ts";
import { pause, until } from "../cluster/until.ts";
import { layOut } from "./report.ts";

const MiB = 1024 * 1024;
const nodes = 3;
const backlogBytes = 100 * MiB;
const keys = 1_000;
/** With the rest of its request some 150 bytes. */
const valueBytes = 105;
const pipelineRequests = 200;
/** The longest turn of the leader is what its worst PING has waited for. */
const pingMs = 1;
const patienceMs = 60_000;
const idleMs = 2_000;
const lookMs = 20;

export interface Returning {
  readonly writes: number;
  readonly entries: number;
  /** PING at the leader, before the follower came back and meanwhile. */
  readonly worstBeforeMs: number;
  readonly worstMeanwhileMs: number;
  readonly worstWriteMs: number;
  /** Null: it did not, in `patienceMs`. */
  readonly caughtUpMs: number | null;
  readonly elections: number;
}

export async function measureReturning(progress: (line: string) => void): Promise<Returning> {
  const cluster = await ChaosCluster.start(nodes, []);
  try {
    const leader = await cluster.leader();
    const [absent, other] = cluster.nodes.filter((node) => node !== leader);
    if (absent === undefined || other === undefined) throw new Error("a cluster has followers");
    await absent.kill();
    const before = await indexOf(leader);
    progress("100 MiB are written");
    const writes = await write(leader);
    const entries = (await indexOf(leader)) - before;
    const term = await cluster.term();
    const idle = await Probe.begin(leader.address, ["PING"], pingMs);
    await pause(idleMs);
    await idle.end();
    progress("the follower comes back");
    const pings = await Probe.begin(leader.address, ["PING"], pingMs);
    const writer = await Probe.begin(other.address, ["SET", "probe", "x"], pingMs);
    const began = performance.now();
    absent.start();
    const target = await indexOf(leader);
    const hasCaughtUp = await catchUp(absent, target);
    const caughtUpMs = performance.now() - began;
    await Promise.all([pings.end(), writer.end()]);
    const elections = (await cluster.term()) - term;
    const waits = { worstBeforeMs: idle.worstMs, worstMeanwhileMs: pings.worstMs };
    return {
      ...{ writes, entries, ...waits, worstWriteMs: writer.worstMs, elections },
      caughtUpMs: hasCaughtUp ? caughtUpMs : null,
    };
  } finally {
    await cluster.dispose();
  }
}

/** Pipelines of small writes over few keys, so that the state stays small and the log does not. */
async function write({ address }: ChaosNode): Promise<number> {
  const client = await LineClient.connect(address);
  let [writes, bytes] = [0, 0];
  while (bytes < backlogBytes) {
    let text = "";
    for (let each = 0; each < pipelineRequests; each++) {
      const value = String(writes).padEnd(valueBytes, "x");
      text += encodeRequest(["SET", `key:${writes % keys}`, value]);
      writes += 1;
    }
    bytes += text.length;
    await client.sendBytes(Buffer.from(text, "latin1"));
  }
  if (!(await client.hasReplies(writes, patienceMs))) throw new Error("writes are not answered");
  client.close();
  return writes;
}

async function catchUp({ address }: ChaosNode, target: number): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    const status = await statusOf(address);
    if (status !== null && status.appliedIndex >= target) return true;
    await pause(lookMs);
  }
  return false;
}

async function indexOf({ address }: ChaosNode): Promise<number> {
  const status = await until("a status", patienceMs, () => statusOf(address));
  return status.commitIndex;
}

export function returningTable(result: Returning): string {
  const inMs = (ms: number): string => `${ms.toFixed(0)} ms`;
  return layOut([
    ["writes", "entries", "PING before", "PING meanwhile", "write waits", "caught up", "elections"],
    [
      String(result.writes),
      String(result.entries),
      inMs(result.worstBeforeMs),
      inMs(result.worstMeanwhileMs),
      inMs(result.worstWriteMs),
      result.caughtUpMs === null ? `not in ${patienceMs / 1_000} s` : inMs(result.caughtUpMs),
      String(result.elections),
    ],
  ]);
}
