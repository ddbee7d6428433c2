// The one record of a checkpoint that says what all the others must be.

import { crc32 } from "node:zlib";
import type { Origin } from "./origins.ts";

/** What a checkpoint takes from the layers above, unread, and gives back after a restart. */
export interface CheckpointContext {
  /** Raft's term of the applied entry. */
  readonly term: number;
  /** The membership at the applied entry, encoded. */
  readonly membership: string;
}

/** One database, in the order of database numbers. */
export interface DatabaseMeta {
  readonly id: number;
  readonly keys: number;
  readonly expires: number;
  /** XOR of the mixed checksums of all its records. */
  readonly digest: number;
}

export interface CheckpointMeta extends CheckpointContext {
  readonly format: number;
  readonly appliedIndex: number;
  readonly logTimeMs: number;
  readonly origins: readonly Origin[];
  readonly databases: readonly DatabaseMeta[];
  /** See Keyspace.nextId. */
  readonly nextId: number;
}

export const checkpointFormat = 1;
/** Before all records in LevelDB's order. */
export const metaKey: Buffer = Buffer.from("m", "latin1");

const checksumBytes = 4;

/** CRC-32 of the key and the JSON text, then the text. */
export function encodeMeta(meta: CheckpointMeta): Buffer {
  const text = Buffer.from(JSON.stringify(meta), "utf8");
  const bytes = Buffer.alloc(checksumBytes + text.length);
  bytes.writeUInt32LE(crc32(text, crc32(metaKey)), 0);
  text.copy(bytes, checksumBytes);
  return bytes;
}

/** The record, or what is wrong with it. */
export function decodeMeta(bytes: Buffer): CheckpointMeta | string {
  if (bytes.length <= checksumBytes) return "the meta record is too short";
  const text = bytes.subarray(checksumBytes);
  if (crc32(text, crc32(metaKey)) !== bytes.readUInt32LE(0)) {
    return "the meta record has a wrong checksum";
  }
  const meta = JSON.parse(text.toString("utf8")) as CheckpointMeta; // Checked above: we wrote it.
  if (meta.format === checkpointFormat) return meta;
  return `the checkpoint has format ${meta.format}, this program reads ${checkpointFormat}`;
}

/**
 * What a record adds to its database's digest. Mixed (murmur3's finaliser), because the XOR of plain
 * CRCs cancels out when two records changed by the same bits, as a block of old counters does.
 */
export function mixed(checksum: number): number {
  let mix = checksum ^ (checksum >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}
