// Resident memory with many small keys, and the time that a restart with them takes after a crash.

import { encodeRequest, RawClient } from "../test/support/raw-client.ts";
import { median } from "./median.ts";
import { residentBytes, type System } from "./systems.ts";

export interface Footprint {
  readonly keys: number;
  readonly residentBytes: number;
  /** Median of the restarts. */
  readonly restartMs: number;
  readonly restartsMs: readonly number[];
}

const keysPerBatchMax = 10_000;
const batchBytesMax = 1024 * 1024;
const digitsOfKey = 12;
/** For background work that the writes have set off. */
const settleMs = 3_000;

/** Fills an empty system with keys and values of 16 bytes, then measures. */
export async function measureFootprint(
  system: System,
  keys: number,
  restarts: number,
): Promise<Footprint> {
  await fill(system.port, { keys, valueBytes: 16 });
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const resident = residentBytes(system.pid);
  const restartsMs: number[] = [];
  for (let round = 0; round < restarts; round++) {
    restartsMs.push(await system.crashAndRestart(keys));
  }
  return { keys, residentBytes: resident, restartMs: median(restartsMs), restartsMs };
}

export interface Filling {
  readonly keys: number;
  readonly valueBytes: number;
  readonly ttlSeconds?: number;
}

/** Keys of 16 bytes, each once, in pipelines of at most a megabyte. */
export async function fill(port: number, { keys, valueBytes, ttlSeconds }: Filling): Promise<void> {
  const client = await RawClient.connect(port);
  const value = "v".repeat(valueBytes - digitsOfKey);
  const expiry = ttlSeconds === undefined ? [] : ["EX", String(ttlSeconds)];
  const keysPerBatch = Math.max(
    1,
    Math.min(keysPerBatchMax, Math.floor(batchBytesMax / valueBytes)),
  );
  for (let first = 0; first < keys; first += keysPerBatch) {
    const last = Math.min(first + keysPerBatch, keys);
    let requests = "";
    for (let key = first; key < last; key++) {
      const digits = String(key).padStart(digitsOfKey, "0");
      requests += encodeRequest(["SET", `key:${digits}`, `${digits}${value}`, ...expiry]);
    }
    const replies = await client.batch(requests, 60_000);
    const expected = "+OK\r\n".length * (last - first);
    if (replies.length !== expected) throw new Error("a SET was not answered with OK");
  }
  client.close();
}
