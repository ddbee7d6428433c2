// Resident memory at five moments, for several sizes of values: `npm run bench -- --memory`.

import { setTimeout as sleep } from "node:timers/promises";
import { RawClient } from "../test/support/raw-client.ts";
import { type Filling, fill } from "./footprint.ts";
import { residentBytes, type System } from "./systems.ts";

/** Each in a system of its own; up to half a gigabyte. */
export const fillings: readonly (Filling & { readonly name: string })[] = [
  { name: "16 B", keys: 1_000_000, valueBytes: 16 },
  { name: "16 B, each with a TTL", keys: 1_000_000, valueBytes: 16, ttlSeconds: 100_000 },
  { name: "64 B", keys: 1_000_000, valueBytes: 64 },
  { name: "1 KiB", keys: 300_000, valueBytes: 1024 },
  { name: "4 KiB", keys: 100_000, valueBytes: 4096 },
  { name: "100 KiB", keys: 4_000, valueBytes: 100 * 1024 },
];

export const moments = ["empty", "filled", "saved", "rewritten", "saved again"] as const;

/** For background work that the writes have set off. */
const settleMs = 4_000;
const saveMsMax = 600_000;

/** Resident bytes of a new system at each moment. */
export async function measureMemory(system: System, filling: Filling): Promise<readonly number[]> {
  const resident: number[] = [];
  const note = async (): Promise<void> => {
    await sleep(settleMs);
    resident.push(residentBytes(system.pid));
  };
  await note();
  for (let round = 0; round < 2; round++) {
    await fill(system.port, filling);
    await note();
    await save(system.port);
    await note();
  }
  return resident;
}

/** A checkpoint may be under way already: then another one follows it. */
async function save(port: number): Promise<void> {
  const client = await RawClient.connect(port);
  for (let waitedMs = 0; waitedMs < saveMsMax; waitedMs += 100) {
    const reply = await client.ask("SAVE");
    if (reply.startsWith("+OK")) return client.close();
    await sleep(100);
  }
  throw new Error("SAVE does not end");
}
