// Runs redis-benchmark of Debian's redis-tools against a port and reads its figures.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Case } from "./cases.ts";

const execute = promisify(execFile);

export interface Figures {
  readonly requests: number;
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
}

/** Requests per connection and pipeline slot in the short run that estimates the speed. */
const probeDepth = 40;
const requestsMin = 400;

/** Names of the random keys end in a number below this. */
export const keyCount = 100_000;
/** Values of 16 bytes and 100,000 random keys, as in every measurement here. */
const workload = ["-d", "16", "-r", String(keyCount)];

/** Runs for about `seconds`, after a short run that estimates the speed. */
export async function measure(port: number, what: Case, seconds: number): Promise<Figures> {
  return await benchmark(port, what, await requestsFor(port, what, seconds));
}

/** How many requests take about `seconds`, by a short run. */
export async function requestsFor(port: number, what: Case, seconds: number): Promise<number> {
  const depth = probeDepth * what.clients * what.pipeline;
  const probe = await benchmark(port, what, Math.max(depth, requestsMin));
  return Math.max(Math.ceil(probe.operationsPerSecond * seconds), requestsMin);
}

export async function benchmark(port: number, what: Case, requests: number): Promise<Figures> {
  const { stdout } = await execute("redis-benchmark", [
    ...["-h", "127.0.0.1", "-p", String(port), ...workload],
    ...["-t", what.test, "-c", String(what.clients), "-P", String(what.pipeline)],
    ...["-n", String(requests)],
  ]);
  const figures = { requests, ...figuresOf(stdout) };
  if (Object.values(figures).some(Number.isNaN)) {
    throw new Error(`redis-benchmark -t ${what.test} on port ${port} printed: ${stdout}`);
  }
  return figures;
}

/** Reads the long output: the short one (--csv) has no p99.9. What is missing is NaN. */
export function figuresOf(output: string): Omit<Figures, "requests"> {
  // LRANGE tests fill their list with LPUSH first: the last section is the test that was asked for.
  const section = output.slice(output.lastIndexOf("Latency by percentile distribution:"));
  const [distribution = "", summary = ""] = section.split("Cumulative distribution of latencies:");
  const steps = [...distribution.matchAll(/^([\d.]+)% <= ([\d.]+) milliseconds/gm)];
  const step = steps.find(([, percent]) => Number(percent) >= 99.9);
  const latencies = /^ +avg +min .*\n(.*)$/m.exec(summary)?.[1]?.trim().split(/ +/) ?? [];
  const [, , p50, , p99] = latencies.map(Number);
  return {
    operationsPerSecond: Number(/throughput summary: ([\d.]+)/.exec(summary)?.[1]),
    p50Ms: p50 ?? Number.NaN,
    p99Ms: p99 ?? Number.NaN,
    p999Ms: Number(step?.[2]),
  };
}
