// The record of an entry: the same bytes under the same checksum on the wire and in the log.

import { crc32 } from "node:zlib";
import { assert } from "../assert.ts";
import { asBuffer, readU53, writeU53 } from "../bytes.ts";
import { claimFrontRoom } from "../front-room.ts";
import { asIndex, asTerm, type Entry, type EntryId, type EntryKind } from "./core/types.ts";

/*
 * crc u32, length u32, kind u8, 0 u24, group u32, term u53, index u53, then `length` bytes of data. A u53
 * takes 8 bytes. The crc covers all that follows it. There is one group, 0.
 *
 * A record is encoded and summed once, where the entry is born. Peers and the log get the same bytes; a
 * follower checks them once, when they arrive, and its log writes them as they came.
 */

/** Bytes of a record before the data. */
export const recordHeadBytes = 32;
const lengthAt = 4;
const kindAt = 8;
const groupAt = 12;
const termAt = 16;
const indexAt = 24;

const kinds = ["data", "noop", "membership"] as const satisfies readonly EntryKind[];

/** What stands before the data. */
export interface RecordHead extends EntryId {
  readonly kind: EntryKind;
  /** Of the data. */
  readonly length: number;
}

/** The record of an entry. The entry keeps it from the first call on, and its data becomes a view into it. */
export function recordOf(entry: Entry): Buffer {
  const known = entry.record;
  if (known === undefined) return encodeRecord(entry);
  assert(isAround(known, entry.data), "an entry's data lies in its own record");
  return asBuffer(known);
}

const isAround = (record: Uint8Array, data: Uint8Array): boolean =>
  data.buffer === record.buffer &&
  data.byteOffset === record.byteOffset + recordHeadBytes &&
  data.byteLength === record.byteLength - recordHeadBytes;

/** Encodes the record in the room that was kept in front of the data; without such room, into a copy. */
function encodeRecord(entry: Entry): Buffer {
  const { term, index, kind, data } = entry;
  let record = claimFrontRoom(data, recordHeadBytes);
  if (record === null) {
    record = Buffer.allocUnsafe(recordHeadBytes + data.byteLength);
    record.set(data, recordHeadBytes);
  }
  record.writeUInt32LE(data.byteLength, lengthAt);
  record.writeUInt32LE(kinds.indexOf(kind), kindAt);
  record.writeUInt32LE(0, groupAt);
  writeU53(record, term, termAt);
  writeU53(record, index, indexAt);
  record.writeUInt32LE(sumOf(record, 0, record.length), 0);
  const known: { data: Uint8Array; record?: Uint8Array } = entry;
  known.data = record.subarray(recordHeadBytes);
  known.record = record;
  return record;
}

/** The checksum that a record carries. */
export const crcOf = (record: Buffer): number => record.readUInt32LE(0);

const sumOf = (from: Buffer, start: number, end: number): number =>
  crc32(from.subarray(start + lengthAt, end));

/** What a head of a record says before anything of it is checked: index and length of the data. */
export const claimedIndex = (from: Buffer, at: number): number => readU53(from, at + indexAt);
export const claimedLength = (from: Buffer, at: number): number => from.readUInt32LE(at + lengthAt);

/** The head of the record at `at` of bytes that end at `end`, or what is wrong. Does not look at the data. */
function readRecordHead(from: Buffer, at: number, end = from.length): RecordHead | string {
  if (end - at < recordHeadBytes) return "truncated entry";
  const kind = kinds[from.readUInt32LE(at + kindAt)];
  if (kind === undefined) return "unknown entry kind";
  if (from.readUInt32LE(at + groupAt) !== 0) return "entry of an unknown group";
  const term = readU53(from, at + termAt);
  const index = readU53(from, at + indexAt);
  if (term < 0 || index < 0) return "number of 2^53 or more";
  const length = from.readUInt32LE(at + lengthAt);
  return { term: asTerm(term), index: asIndex(index), kind, length };
}

/** As `readRecordHead`, of a record that is there as a whole and whose checksum is right. */
export function checkRecord(from: Buffer, at: number, end = from.length): RecordHead | string {
  const head = readRecordHead(from, at, end);
  if (typeof head === "string") return head;
  const dataAt = at + recordHeadBytes;
  if (end - dataAt < head.length) return "truncated entry";
  return sumOf(from, at, dataAt + head.length) === from.readUInt32LE(at)
    ? head
    : `entry ${head.index} has a wrong checksum`;
}

/** The checked entry at `at`, or what is wrong. Its record is a view into `from`, which must not change any more. */
export function readRecord(from: Buffer, at: number): Entry | string {
  const head = checkRecord(from, at);
  if (typeof head === "string") return head;
  const { term, index, kind, length } = head;
  const record = from.subarray(at, at + recordHeadBytes + length);
  return { term, index, kind, data: record.subarray(recordHeadBytes), record };
}
