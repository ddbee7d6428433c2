// Runs redis-benchmark of Debian's redis-tools against a port and reads its figures.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Case } from "./cases.ts";

const execute = promisify(execFile);

export interface Figures {
  readonly operationsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Requests per connection and pipeline slot in the short run that estimates the speed. */
const probeDepth = 40;
const requestsMin = 400;

/** Values of 16 bytes and 100,000 random keys, as in every measurement here. */
const workload = ["-d", "16", "-r", "100000"];

/** Runs for about `seconds`, after a short run that estimates the speed. */
export async function measure(port: number, what: Case, seconds: number): Promise<Figures> {
  const depth = probeDepth * what.clients * what.pipeline;
  const probe = await benchmark(port, what, Math.max(depth, requestsMin));
  const requests = Math.ceil(probe.operationsPerSecond * seconds);
  return await benchmark(port, what, Math.max(requests, requestsMin));
}

async function benchmark(port: number, what: Case, requests: number): Promise<Figures> {
  const { stdout } = await execute("redis-benchmark", [
    ...["-h", "127.0.0.1", "-p", String(port), "--csv", ...workload],
    ...["-t", what.test, "-c", String(what.clients), "-P", String(what.pipeline)],
    ...["-n", String(requests)],
  ]);
  const rows = stdout.trim().split("\n").map(fields);
  // LRANGE tests fill their list with LPUSH first: the last row is the test that was asked for.
  const header = rows.find((row) => row[0] === "test");
  const last = rows.at(-1);
  const field = (name: string) => Number(last?.[header?.indexOf(name) ?? -1]);
  const figures = {
    operationsPerSecond: field("rps"),
    p50Ms: field("p50_latency_ms"),
    p99Ms: field("p99_latency_ms"),
  };
  if (Number.isNaN(figures.operationsPerSecond)) {
    throw new Error(`redis-benchmark -t ${what.test} on port ${port} printed: ${stdout}`);
  }
  return figures;
}

function fields(row: string): string[] {
  return row.split(",").map((field) => field.replaceAll('"', ""));
}
