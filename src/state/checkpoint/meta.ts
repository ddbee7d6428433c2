// The one record of a checkpoint that says what all the others must be.

import { crc32 } from "node:zlib";
import type { Origin } from "../execution/origins.ts";
import { type SettingsRecord, soundSettings } from "../execution/settings.ts";

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
  readonly keys: number;
  readonly expires: number;
  /** XOR of the mixed checksums of all its records. */
  readonly digest: number;
  /** Of everything that changed it: see trace.ts. */
  readonly trace: number;
}

export interface CheckpointMeta extends CheckpointContext {
  readonly format: number;
  readonly appliedIndex: number;
  readonly logTimeMs: number;
  readonly origins: readonly Origin[];
  readonly databases: readonly DatabaseMeta[];
  /** See Keyspace.nextId. */
  readonly nextId: number;
  /** Of all replies to writes so far: see trace.ts. */
  readonly trace: number;
  readonly settings: SettingsRecord;
}

export const checkpointFormat = 3;
/** Before all records in LevelDB's order. */
export const metaKey: Buffer = Buffer.from("m", "latin1");

const checksumBytes = 4;
/** Record keys have 48 bits for a database's id, and for the first id that is not its own. */
const idMax = 2 ** 48 - 1;

/** CRC-32 of the key and the JSON text, then the text. */
export function encodeMeta(meta: CheckpointMeta): Buffer {
  const text = Buffer.from(JSON.stringify(meta), "utf8");
  const bytes = Buffer.alloc(checksumBytes + text.length);
  bytes.writeUInt32LE(crc32(text, crc32(metaKey)), 0);
  text.copy(bytes, checksumBytes);
  return bytes;
}

/** The record, or what is wrong with it. The bytes may come from a damaged disk, or from a peer. */
export function decodeMeta(bytes: Buffer): CheckpointMeta | string {
  const fields = readFields(bytes);
  if (typeof fields === "string") return fields;
  const { format } = fields;
  if (isNewer(format)) {
    return (
      `the checkpoint was written by a newer version of kvorum (format ${format}, ` +
      `this one knows up to ${checkpointFormat})`
    );
  }
  if (isCount(format) && format !== checkpointFormat) {
    return `the checkpoint has format ${format}, this program reads ${checkpointFormat}`;
  }
  return soundMeta(fields) ?? "the meta record makes no sense";
}

/** Why `decodeMeta` has refused a record: not because of any damage. */
export function isOfNewerFormat(bytes: Buffer): boolean {
  const fields = readFields(bytes);
  return typeof fields !== "string" && isNewer(fields.format);
}

/** The number of all records but this one. */
export function recordsOf({ databases }: CheckpointMeta): number {
  return databases.reduce((sum, { keys }) => sum + keys, 0);
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

/** What JSON holds, before anything is known of it. */
type Fields = Readonly<
  Partial<Record<keyof CheckpointMeta | keyof DatabaseMeta | keyof Origin, unknown>>
>;

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
  const { format, appliedIndex, logTimeMs, nextId, trace, term } = fields;
  const { membership, membershipIndex } = fields;
  const origins = soundList(fields.origins, soundOrigin);
  const databases = soundList(fields.databases, soundDatabase);
  const settings = soundSettings(fields.settings);
  const isSound =
    format === checkpointFormat &&
    isCount(appliedIndex) &&
    isCount(membershipIndex) &&
    membershipIndex <= appliedIndex &&
    isCount(term) &&
    typeof membership === "string" &&
    Number.isFinite(logTimeMs) &&
    isCount(nextId) &&
    nextId <= idMax &&
    isInt32(trace);
  if (!isSound || origins === null || databases === null || settings === null) return null;
  if (!allDiffer(origins.map(({ node }) => node))) return null;
  if (!allDiffer(databases.map(({ id }) => id))) return null;
  if (databases.some(({ id }) => id >= nextId)) return null;
  const head = { format, appliedIndex, logTimeMs: logTimeMs as number, nextId, trace };
  return { ...head, term, membershipIndex, membership, origins, databases, settings };
}

function soundOrigin({ node, incarnation, highest }: Fields): Origin | null {
  const isSound = isCount(node) && isCount(incarnation) && isCount(highest);
  return isSound ? { node, incarnation, highest } : null;
}

function soundDatabase({ id, keys, expires, digest, trace }: Fields): DatabaseMeta | null {
  const areCounts = isCount(id) && isCount(keys) && isCount(expires);
  if (!areCounts || !isInt32(digest) || !isInt32(trace)) return null;
  return { id, keys, expires, digest, trace };
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
