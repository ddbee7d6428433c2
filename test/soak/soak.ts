// A node at its memory limit under mixed load, with a checkpoint every few seconds: its process must not grow.

import { ServerProcess } from "../support/process-server.ts";
import { Load } from "./load.ts";
import { MiB, ttlMsMax } from "./requests.ts";
import { ask, type Sample, type State, stateOf, Watch } from "./watch.ts";

const argsOf = (megabytes: number): string[] => [
  ...["--maxmemory", `${megabytes}mb`, "--maxmemory-policy", "allkeys-lru"],
  ...["--auto-aof-rewrite-min-size", `${megabytes / 4}mb`],
];
/** The time begins when keys are evicted: before, the process may grow. */
const fillMs = 180_000;
const startMs = 60_000;
/** The last third may be so much above the middle one. */
const growthShare = 0.05;
const growthBytes = 20 * MiB;

export interface SoakReport {
  readonly requests: number;
  readonly flushes: number;
  readonly checkpoints: number;
  readonly longestMs: number;
  /** The largest of the middle third and of the last one. */
  readonly residentBytes: readonly [middle: number, last: number];
  /** At the end, and after a restart. */
  readonly keys: readonly [number, number];
  readonly usedBytes: readonly [number, number];
  /** What is wrong; nothing when all is well. */
  readonly faults: readonly string[];
}

export interface SoakOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Its `maxmemory`. */
  readonly megabytes?: number;
  readonly told?: (sample: Sample, requests: number) => void;
}

/** @throws {Error} when the node ends, does not answer, or closes a client */
export async function soak({
  seconds,
  seed,
  megabytes = 256,
  told,
}: SoakOptions): Promise<SoakReport> {
  const node = await ServerProcess.start({ args: argsOf(megabytes) });
  const load = new Load(node);
  try {
    load.start(seed);
    await Promise.race([isFull(node), load.ended]);
    const watch = new Watch(node, (sample) => told?.(sample, load.requests));
    await watch.during(Promise.race([pause(seconds * 1_000), load.ended]));
    await load.stop();
    const before = await settled(node);
    const after = await restarted(node);
    const third = Math.floor(watch.samples.length / 3);
    const middle = residentMax(watch.samples.slice(third, 2 * third));
    const last = residentMax(watch.samples.slice(2 * third));
    const report = {
      requests: load.requests,
      flushes: load.flushes,
      checkpoints: watch.checkpoints,
      longestMs: watch.longestMs,
      residentBytes: [middle, last],
      keys: [before.keys, after.keys],
      usedBytes: [before.usedBytes, after.usedBytes],
    } as const;
    return { ...report, faults: [...load.errors, ...faultsOf(report)] };
  } finally {
    await node.dispose();
  }
}

function faultsOf(report: Omit<SoakReport, "faults">): string[] {
  const [middle, last] = report.residentBytes;
  const faults: string[] = [];
  if (last > middle * (1 + growthShare) + growthBytes) faults.push("the process has grown");
  if (report.checkpoints === 0) faults.push("no checkpoint was written");
  if (report.keys[0] !== report.keys[1]) faults.push("a restart has changed the number of keys");
  if (report.usedBytes[0] !== report.usedBytes[1])
    faults.push("a restart has changed what keys take");
  return faults;
}

async function isFull(node: ServerProcess): Promise<void> {
  const client = await node.connect();
  for (const untilMs = performance.now() + fillMs; performance.now() < untilMs; await pause(200)) {
    if ((await stateOf(client)).evicted > 0) return client.close();
  }
  throw new Error(`the node is not full after ${fillMs} ms`);
}

/** The state when nothing expires any more. */
async function settled(node: ServerProcess): Promise<State> {
  const client = await node.connect();
  for (const untilMs = performance.now() + 10 * ttlMsMax; performance.now() < untilMs; ) {
    await pause(200);
    const state = await stateOf(client);
    if (state.expires > 0) continue;
    client.close();
    return state;
  }
  throw new Error("keys do not expire");
}

async function restarted(node: ServerProcess): Promise<State> {
  const exit = await node.stop();
  if (exit.code !== 0) throw new Error(`the node ended with ${exit.code}:\n${node.log}`);
  const again = await node.restart();
  try {
    await again.takesWrites(startMs);
    const client = await again.connect();
    const state = await stateOf(client);
    await ask(client, "RANDOMKEY");
    client.close();
    return state;
  } finally {
    await again.kill();
  }
}

function residentMax(samples: readonly Sample[]): number {
  return Math.max(...samples.map(({ residentBytes }) => residentBytes));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
