// Gives back the space of old records in LevelDB, a small range of keys after the other.

import { compactedTablesMax } from "../../constants.ts";
import type { CheckpointLevel } from "./level.ts";

/** Ranges are told apart by the first bytes of their keys: kind, id and the first byte of the place. */
const prefixBytes = 8;
const lastPrefix = 2n ** 64n - 1n;

/**
 * All of it, because LevelDB's own merging keeps deleted records for as long as their level is not full. Asked for the whole
 * at once, it takes small tables together, however far their keys are apart, and writes everything between them anew
 * before anything goes. A range holds few tables, so that this needs little space.
 */
export async function compactLevel(level: CheckpointLevel, tableBytes: number): Promise<void> {
  await compactBetween(level, 0n, lastPrefix, compactedTablesMax * tableBytes);
}

async function compactBetween(
  level: CheckpointLevel,
  from: bigint,
  to: bigint,
  bytesMax: number,
): Promise<void> {
  const [start, end] = [keyWith(from), keyWith(to)];
  const bytes = await level.approximateSize(start, end);
  if (bytes > bytesMax && to - from > 1n) {
    const middle = (from + to) / 2n;
    await compactBetween(level, from, middle, bytesMax);
    await compactBetween(level, middle, to, bytesMax);
  } else if (bytes > 0) {
    await level.compactRange(start, end);
  }
}

function keyWith(prefix: bigint): Buffer {
  const key = Buffer.alloc(prefixBytes);
  key.writeBigUInt64BE(prefix);
  return key;
}
