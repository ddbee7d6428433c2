// The one record of a checkpoint that says what all the others must be.

import { crc32 } from "node:zlib";
import { type SettingsRecord, soundSettings } from "../execution/settings.ts";
import { idMax } from "./record-key.ts";

/** What a checkpoint takes from the layers above, unread, and gives back after a restart. */
export interface CheckpointContext {
  /** Raft's term of the applied entry. */
  readonly term: number;
  /** The entry of the membership that was in force there. */
  readonly membershipIndex: number;
  /** That membership, encoded. */
  readonly membership: string;
}

/** One database, in the order of database numbers. */
export interface DatabaseMeta {
  readonly id: number;
  /** Of everything that changed it: see trace.ts. */
  readonly trace: number;
}

export interface CheckpointMeta extends CheckpointContext {
  readonly format: number;
  readonly appliedIndex: number;
  readonly logTimeMs: number;
  readonly databases: readonly DatabaseMeta[];
  /** The ids of the next database, partition and object. */
  readonly nextId: number;
  readonly nextPartition: number;
  readonly nextObject: number;
  /** How many records there are of each kind. */
  readonly keys: number;
  readonly origins: number;
  readonly parts: number;
  readonly partitions: number;
  /** XOR of the mixed checksums of all but those of keys, for which each partition has one. */
  readonly digest: number;
  /** Of all replies to writes so far: see trace.ts. */
  readonly trace: number;
  readonly settings: SettingsRecord;
}

export const checkpointFormat = 3;
/** Before all records in LevelDB's order. */
export const metaKey: Buffer = Buffer.from("m", "latin1");

const checksumBytes = 4;
/** As `decodeMeta` reads it. */
export function encodeMeta(meta: CheckpointMeta): Buffer {
  return checked(meta);
}

/**
 * Stands in the place of the meta record while LevelDB takes in a redo file, so that records without their file are
 * refused, and an older program is told the format before anything else.
 */
export function encodeHalfDone(): Buffer {
  return checked({ format: checkpointFormat, isHalfDone: true });
}

/** The record, or what is wrong with it. The bytes may come from a damaged disk, or from a peer. */
export function decodeMeta(bytes: Buffer): CheckpointMeta | string {
  const fields = readFields(bytes);
  if (typeof fields === "string") return fields;
  const problem = otherFormat(fields);
  if (problem !== null) return problem;
  if (fields.isHalfDone === true) return "the redo file of a checkpoint that was half done is gone";
  return soundMeta(fields) ?? "the meta record makes no sense";
}

/** In words: the meta record is written in another format, which is no damage. Null also when it cannot be read. */
export function otherFormatOf(bytes: Buffer): string | null {
  const fields = readFields(bytes);
  return typeof fields === "string" ? null : otherFormat(fields);
}

function otherFormat({ format }: Fields): string | null {
  if (isNewer(format)) {
    return (
      `the checkpoint was written by a newer version of kvorum (format ${format}, ` +
      `this one knows up to ${checkpointFormat})`
    );
  }
  if (isCount(format) && format !== checkpointFormat) {
    return `the checkpoint has format ${format}, this program reads ${checkpointFormat}`;
  }
  return null;
}

/** The number of all records but this one. */
export function recordsOf({ keys, origins, parts, partitions }: CheckpointMeta): number {
  return keys + origins + parts + partitions;
}

/**
 * What a record adds to a digest. Mixed (murmur3's finaliser), because the XOR of plain
 * CRCs cancels out when two records changed by the same bits, as a block of old counters does.
 */
export function mixed(checksum: number): number {
  let mix = checksum ^ (checksum >>> 16);
  mix = Math.imul(mix, 0x85ebca6b);
  mix ^= mix >>> 13;
  mix = Math.imul(mix, 0xc2b2ae35);
  return mix ^ (mix >>> 16);
}

/** What JSON holds, before anything is known of it. */
type Fields = Readonly<
  Partial<Record<keyof CheckpointMeta | keyof DatabaseMeta | "isHalfDone", unknown>>
>;

/** CRC-32 of the key and the JSON text, then the text. */
function checked(content: object): Buffer {
  const text = Buffer.from(JSON.stringify(content), "utf8");
  const bytes = Buffer.alloc(checksumBytes + text.length);
  bytes.writeUInt32LE(crc32(text, crc32(metaKey)), 0);
  text.copy(bytes, checksumBytes);
  return bytes;
}

function readFields(bytes: Buffer): Fields | string {
  if (bytes.length <= checksumBytes) return "the meta record is too short";
  const text = bytes.subarray(checksumBytes);
  if (crc32(text, crc32(metaKey)) !== bytes.readUInt32LE(0)) {
    return "the meta record has a wrong checksum";
  }
  try {
    return asFields(JSON.parse(text.toString("utf8"))) ?? "the meta record makes no sense";
  } catch {
    return "the meta record is no JSON";
  }
}

function isNewer(format: unknown): format is number {
  return typeof format === "number" && format > checkpointFormat;
}

function soundMeta(fields: Fields): CheckpointMeta | null {
  const { format, appliedIndex, logTimeMs, trace, digest, term, membership } = fields;
  const { membershipIndex, keys, origins, parts, partitions } = fields;
  const { nextId, nextPartition, nextObject } = fields;
  const databases = soundList(fields.databases, soundDatabase);
  const settings = soundSettings(fields.settings);
  const isSound =
    format === checkpointFormat &&
    isCount(appliedIndex) &&
    isCount(membershipIndex) &&
    membershipIndex <= appliedIndex &&
    isCount(term) &&
    typeof membership === "string" &&
    typeof logTimeMs === "number" &&
    Number.isFinite(logTimeMs) &&
    isInt32(trace) &&
    isInt32(digest);
  if (!isSound || databases === null || settings === null) return null;
  if (!isCount(keys) || !isCount(origins) || !isCount(parts) || !isCount(partitions)) return null;
  if (!isId(nextId) || !isId(nextPartition) || !isId(nextObject)) return null;
  if (!allDiffer(databases.map(({ id }) => id))) return null;
  if (databases.some(({ id }) => id >= nextId)) return null;
  const head = { format, appliedIndex, logTimeMs, trace, digest };
  const counts = { keys, origins, parts, partitions, nextId, nextPartition, nextObject };
  return { ...head, ...counts, term, membershipIndex, membership, databases, settings };
}

function soundDatabase({ id, trace }: Fields): DatabaseMeta | null {
  return isCount(id) && isInt32(trace) ? { id, trace } : null;
}

function isId(value: unknown): value is number {
  return isCount(value) && value <= idMax;
}

/** Null when it is no list, or one item is not sound. */
function soundList<Item>(list: unknown, sound: (fields: Fields) => Item | null): Item[] | null {
  if (!Array.isArray(list)) return null;
  const items: Item[] = [];
  for (const each of list as unknown[]) {
    const fields = asFields(each);
    const item = fields === null ? null : sound(fields);
    if (item === null) return null;
    items.push(item);
  }
  return items;
}

function asFields(value: unknown): Fields | null {
  return typeof value === "object" && value !== null ? (value as Fields) : null;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isInt32(value: unknown): value is number {
  return typeof value === "number" && Object.is(value | 0, value);
}

function allDiffer(values: readonly number[]): boolean {
  return new Set(values).size === values.length;
}
