// The unit of the log on disk: a save, valid as a whole or not at all.

import { crc32 } from "node:zlib";
import { assert } from "../../assert.ts";
import { ByteWriter, joinParts, readU53 } from "../../bytes.ts";
import { entryRoomBytes } from "../../constants.ts";
import { claimFrontRoom } from "../../front-room.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type EntryId,
  type HardState,
} from "../core/types.ts";
import {
  checkRecord,
  claimedLength,
  crcOf,
  type RecordHead,
  recordHeadBytes,
  recordOf,
} from "../record.ts";
import { countBlankSectors, isBlank, sectorEnd } from "./sectors.ts";
import type { SegmentReader } from "./segment-reader.ts";

/*
 * A save: mark (8 bytes), crc u32, previous u32, sequence u53, body bytes u53, blank sectors u32,
 * sections u32, the section, head crc u32, flags u32; then the records of the entries (record.ts).
 * A section is what one group writes: group u32, count of records u32, term u53, vote u53, base term u53,
 * base index u53. There is one, of group 0.
 *
 * The save's crc covers its head from `previous` on, but for the head's crc, and then the crc of every
 * record: every byte is summed once. The head's crc covers all other bytes of the head.
 *
 * The mark is random for each segment: no client can write something that looks like a save. `previous`
 * is the crc of the save before: a chain through all segments.
 *
 * A save that is not whole was either torn by a crash or damaged, and only a torn one may be cut off. A
 * disk writes whole sectors, and the file holds zeros where a save will go, so in a torn save whole sectors
 * are still blank. The head says how many sectors behind it are blank by their content. No sector that holds
 * a part of the head is ever blank, because the head's first and last bytes are never 0.
 */

export const markBytes = 8;
export const saveHeadBytes = 88;
const crcAt = 8;
const bodyAt = 24;
const blankAt = 32;
const sectionsAt = 36;
const groupAt = 40;
const countAt = 44;
const headCrcAt = 80;
const flagsAt = 84;

assert(
  recordHeadBytes + saveHeadBytes === entryRoomBytes,
  "who makes an entry's data keeps room for both heads",
);

const flag = { hardState: 1, vote: 2, restart: 4, always: 2 ** 31 } as const;

/** What one save writes, and its place in the chain. */
export interface SaveContent {
  /** Saves are numbered through all segments, from 1. */
  readonly sequence: number;
  /** The crc of the save before. */
  readonly previous: number;
  readonly hardState: HardState | null;
  /** The log goes on after this entry, whatever it held; `entries` is then the membership of there. */
  readonly restart: EntryId | null;
  readonly entries: readonly Entry[];
}

export interface EncodedSave {
  readonly buffers: readonly Uint8Array[];
  readonly bytes: number;
  readonly crc: number;
}

/** `place`: the mark of its segment, and the offset in the file. */
export function encodeSave(
  { mark, at }: { readonly mark: Uint8Array; readonly at: number },
  content: SaveContent,
): EncodedSave {
  const records = content.entries.map(recordOf);
  const body = records.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const [first] = records;
  const room = first === undefined ? null : claimFrontRoom(first, saveHeadBytes);
  const head = room?.subarray(0, saveHeadBytes) ?? Buffer.allocUnsafe(saveHeadBytes);
  writeHead(head, { mark, content, body });
  head.writeUInt32LE(countBlankSectors([head, ...records], at, at + saveHeadBytes), blankAt);
  const sums = Buffer.allocUnsafe(4 * records.length);
  for (const [nth, record] of records.entries()) sums.writeUInt32LE(crcOf(record), 4 * nth);
  const crc = sumOf(head, sums);
  head.writeUInt32LE(crc, crcAt);
  head.writeUInt32LE(sumOfHead(head), headCrcAt);
  return { buffers: joinParts([head, ...records]), bytes: saveHeadBytes + body, crc };
}

/** Writes the head without the fields that are known only when the whole save is encoded. */
function writeHead(
  head: Buffer,
  { mark, content, body }: { mark: Uint8Array; content: SaveContent; body: number },
): void {
  const { entries, hardState, restart } = content;
  const vote = hardState?.votedFor ?? null;
  const into = new ByteWriter(saveHeadBytes, head);
  into.copy(mark);
  into.u32(0);
  into.u32(content.previous);
  into.u53(content.sequence);
  into.u53(body);
  into.u32(0);
  into.u32(1);
  into.u32(0);
  into.u32(entries.length);
  into.u53(hardState?.term ?? 0);
  into.u53(vote ?? 0);
  into.u53(restart?.term ?? 0);
  into.u53(restart?.index ?? 0);
  into.u32(0);
  into.u32(
    flag.always +
      (hardState === null ? 0 : flag.hardState) +
      (vote === null ? 0 : flag.vote) +
      (restart === null ? 0 : flag.restart),
  );
  into.finish();
}

/** One entry of a save as the scan sees it. */
export interface ScannedEntry extends RecordHead {
  /** Of its record in the file. */
  readonly offset: number;
  /** Only of membership entries. */
  readonly data: Uint8Array | null;
}

/** A save that is valid in itself; whether it fits to its predecessor is for the caller to see. */
export interface StoredSave extends Omit<SaveContent, "entries"> {
  readonly crc: number;
  readonly entries: readonly ScannedEntry[];
  /** Offset behind it. */
  readonly end: number;
}

/** The save at an offset, or null when there is no whole and undamaged one. */
export function readSave(reader: SegmentReader, at: number, mark: Buffer): StoredSave | null {
  const found = readHead(reader, at, mark);
  if (found === null) return null;
  const head = Buffer.from(found); // The reader's window moves while the records are read.
  const body = readU53(head, bodyAt);
  const count = head.readUInt32LE(countAt);
  const end = at + saveHeadBytes + body;
  if (body < count * recordHeadBytes || end > reader.end) return null;

  const entries: ScannedEntry[] = [];
  const sums = Buffer.allocUnsafe(4 * count);
  let offset = at + saveHeadBytes;
  while (entries.length < count) {
    const entry = scanRecord(reader, offset, end);
    if (entry === null) return null;
    sums.writeUInt32LE(entry.crc, 4 * entries.length);
    entries.push(entry);
    offset += recordHeadBytes + entry.length;
  }
  const crc = head.readUInt32LE(crcAt);
  if (offset !== end || crc !== sumOf(head, sums) || !isSoundHead(head)) return null;
  return fieldsOf(head, { crc, entries, end });
}

/** What an undamaged head says of its save; null when there is none. */
export function headOf(
  reader: SegmentReader,
  at: number,
  mark: Buffer,
): { readonly end: number; readonly blankSectors: number } | null {
  const head = readHead(reader, at, mark);
  if (head === null || !isSoundHead(head)) return null;
  const end = at + saveHeadBytes + readU53(head, bodyAt);
  return { end, blankSectors: head.readUInt32LE(blankAt) };
}

/** The bytes of a head that begins with the mark, valid until the reader reads on. */
function readHead(reader: SegmentReader, at: number, mark: Buffer): Buffer | null {
  const position = reader.locate(at, saveHeadBytes);
  if (position < 0) return null;
  const head = reader.buffer.subarray(position, position + saveHeadBytes);
  return isMarked(head, 0, mark) ? head : null;
}

/** Whether a save of a segment with this mark begins at `at` of bytes that have room for a mark there. */
export const isMarked = (bytes: Buffer, at: number, mark: Buffer): boolean =>
  bytes[at] === mark[0] && // For every entry that is read; the call costs more.
  bytes.compare(mark, 0, markBytes, at, at + markBytes) === 0;

/** Whether a sector with a part of a save's head was never written: then the save was torn, whatever else there is. */
export function isHeadZeroed(reader: SegmentReader, at: number): boolean {
  const end = at + saveHeadBytes;
  for (let from = at; from < end; ) {
    const to = Math.min(end, sectorEnd(from));
    const length = Math.min(to, reader.end) - from;
    const position = length <= 0 ? -1 : reader.locate(from, length);
    if (position < 0 || isBlank(reader.buffer, position, position + length)) return true;
    from = to;
  }
  return false;
}

/** The CRC of a save; `sums` holds the CRCs of its records. */
function sumOf(head: Buffer, sums: Buffer): number {
  const first = crc32(head.subarray(crcAt + 4, headCrcAt));
  return crc32(sums, crc32(head.subarray(flagsAt), first));
}

function sumOfHead(head: Buffer): number {
  return crc32(head.subarray(flagsAt), crc32(head.subarray(0, headCrcAt)));
}

const isSoundHead = (head: Buffer): boolean =>
  head.readUInt32LE(headCrcAt) === sumOfHead(head) &&
  head.readUInt32LE(sectionsAt) === 1 &&
  head.readUInt32LE(groupAt) === 0;

function fieldsOf(head: Buffer, rest: Pick<StoredSave, "crc" | "entries" | "end">): StoredSave {
  const flags = head.readUInt32LE(flagsAt);
  const term = asTerm(readU53(head, 48));
  const votedFor = (flags & flag.vote) === 0 ? null : asNode(readU53(head, 56));
  const base = { term: asTerm(readU53(head, 64)), index: asIndex(readU53(head, 72)) };
  return {
    previous: head.readUInt32LE(12),
    sequence: readU53(head, 16),
    hardState: (flags & flag.hardState) === 0 ? null : { term, votedFor },
    restart: (flags & flag.restart) === 0 ? null : base,
    ...rest,
  };
}

/** The record at an offset; null when it is damaged or reaches beyond `end`. */
function scanRecord(
  reader: SegmentReader,
  offset: number,
  end: number,
): (ScannedEntry & { readonly crc: number }) | null {
  const claimed = peekLength(reader, offset, end);
  const whole = recordHeadBytes + claimed;
  const position = claimed < 0 || offset + whole > end ? -1 : reader.locate(offset, whole);
  if (position < 0) return null;
  const record = reader.buffer.subarray(position, position + whole);
  const head = checkRecord(record, 0);
  if (typeof head === "string") return null;
  const { term, index, kind, length } = head;
  // A copy: the window moves.
  const data = kind === "membership" ? new Uint8Array(record.subarray(recordHeadBytes)) : null;
  return { term, index, kind, length, offset, data, crc: crcOf(record) };
}

/** The length of the data of the record at an offset, which nothing has checked yet; -1 when there is none. */
function peekLength(reader: SegmentReader, offset: number, end: number): number {
  const position = offset + recordHeadBytes > end ? -1 : reader.locate(offset, recordHeadBytes);
  return position < 0 ? -1 : claimedLength(reader.buffer, position);
}

/** Looks for a valid save of this or a later sequence anywhere behind an offset; null when there is none. */
export function findSave(
  reader: SegmentReader,
  place: { readonly from: number; readonly mark: Buffer; readonly sequence: number },
): number | null {
  let at = place.from;
  while (at + markBytes <= reader.end) {
    const ahead = reader.ahead(at);
    assert(ahead.length > 0, "a file does not shrink while it is read");
    const hit = ahead.indexOf(place.mark);
    if (hit < 0) {
      at += Math.max(1, ahead.length - markBytes + 1);
      continue;
    }
    at += hit;
    const save = readSave(reader, at, place.mark);
    if (save !== null && save.sequence >= place.sequence) return at;
    at += 1;
  }
  return null;
}
