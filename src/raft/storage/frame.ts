// The unit of the log on disk: one save is one frame, valid as a whole or not at all.

import { crc32 } from "node:zlib";
import { assert } from "../../assert.ts";
import { Gather, inlineBytesMax, readU53 } from "../../gather.ts";
import {
  decodeEntryHeader,
  type EntryHeader,
  entryHeaderBytes,
  entryInlineBytes,
  writeEntryHeader,
} from "../codec.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type EntryId,
  type HardState,
} from "../core/types.ts";
import { countBlankSectors, isBlank, sectorEnd } from "./sectors.ts";
import type { SegmentReader } from "./segment-reader.ts";

/*
 * A frame: mark (8 bytes), crc u32, previous u32, sequence u53, body bytes u53, count u32, blank sectors
 * u32, term u53, vote u53, base term u53, base index u53, header crc u32, flags u32; then the entries,
 * each: crc u32, entry header, data. An entry's crc covers its header and data; the frame's crc covers
 * the frame header from `previous` on and the crc of every entry, so every byte is summed once. The
 * header's crc covers all other bytes of the header.
 *
 * The mark is random for each segment: no client can write something that looks like a frame.
 * `previous` is the crc of the frame before: a chain through all segments.
 *
 * A frame that is not whole is either torn by a crash or damaged, and only the first may be cut off. A
 * disk writes whole sectors, to a file that holds zeros there: so of a torn frame whole sectors are
 * still blank. How many are blank by themselves, behind the header, the header says. The header's own
 * parts never are: its first and its last byte are not 0, wherever a sector begins between them.
 */

export const markBytes = 8;
export const frameHeaderBytes = 80;
const bodyAt = 24;
const blankAt = 36;
const headerCrcAt = 72;
const flagsAt = 76;
export const recordHeaderBytes = 4 + entryHeaderBytes;

const zeros = Buffer.alloc(64 * 1024);

const flag = { hardState: 1, vote: 2, restart: 4, always: 2 ** 31 } as const;

/** What one save writes, and its place in the chain. */
export interface FrameContent {
  /** Saves are numbered through all segments, from 1. */
  readonly sequence: number;
  /** The crc of the frame before. */
  readonly previous: number;
  readonly hardState: HardState | null;
  /** The log goes on after this entry, whatever it held; `entries` is then the membership of there. */
  readonly restart: EntryId | null;
  readonly entries: readonly Entry[];
}

export interface EncodedFrame {
  readonly buffers: readonly Uint8Array[];
  readonly bytes: number;
  readonly crc: number;
}

/** `place`: the mark of its segment, and the offset in the file. */
export function encodeFrame(
  { mark, at }: { readonly mark: Uint8Array; readonly at: number },
  content: FrameContent,
): EncodedFrame {
  const { entries, hardState, restart } = content;
  let inline = frameHeaderBytes;
  let body = 0;
  for (const entry of entries) {
    inline += 4 + entryInlineBytes(entry);
    body += recordHeaderBytes + entry.data.byteLength;
  }
  const into = new Gather(inline);
  const vote = hardState?.votedFor ?? null;
  into.copy(mark);
  into.u32(0);
  into.u32(content.previous);
  into.u53(content.sequence);
  into.u53(body);
  into.u32(entries.length);
  into.u32(0);
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

  const sums = Buffer.allocUnsafe(4 * entries.length);
  entries.forEach((entry, at) => {
    sums.writeUInt32LE(writeRecord(into, entry), 4 * at);
  });
  const buffers = into.finish();
  const header = into.inline.subarray(0, frameHeaderBytes);
  header.writeUInt32LE(countBlankSectors(buffers, at, at + frameHeaderBytes), blankAt);
  const crc = sumOf(header, sums);
  header.writeUInt32LE(crc, 8);
  header.writeUInt32LE(sumOfHeader(header), headerCrcAt);
  return { buffers, bytes: frameHeaderBytes + body, crc };
}

function writeRecord(into: Gather, entry: Entry): number {
  const start = into.at;
  into.u32(0);
  writeEntryHeader(into, entry);
  into.data(entry.data);
  let crc = crc32(into.inline.subarray(start + 4, into.at));
  if (entry.data.byteLength > inlineBytesMax) crc = crc32(entry.data, crc);
  into.inline.writeUInt32LE(crc, start);
  return crc;
}

/** One entry of a frame as the scan sees it. */
export interface ScannedEntry extends EntryHeader {
  /** Of its record in the file. */
  readonly offset: number;
  /** Only of membership entries. */
  readonly data: Uint8Array | null;
}

/** A frame that is valid in itself; whether it fits to its predecessor is for the caller to see. */
export interface Frame extends Omit<FrameContent, "entries"> {
  readonly crc: number;
  readonly entries: readonly ScannedEntry[];
  /** Offset behind it. */
  readonly end: number;
}

/** The frame at an offset, or null when there is no whole and undamaged one. */
export function readFrame(reader: SegmentReader, at: number, mark: Buffer): Frame | null {
  const position = reader.locate(at, frameHeaderBytes);
  if (position < 0) return null;
  // The window moves while the entries are read.
  const header = Buffer.from(reader.buffer.subarray(position, position + frameHeaderBytes));
  if (header.compare(mark, 0, markBytes, 0, markBytes) !== 0) return null;
  const body = readU53(header, bodyAt);
  const count = header.readUInt32LE(32);
  const end = at + frameHeaderBytes + body;
  if (body < count * recordHeaderBytes || end > reader.end) return null;

  const entries: ScannedEntry[] = [];
  const sums = Buffer.allocUnsafe(4 * count);
  let offset = at + frameHeaderBytes;
  while (entries.length < count) {
    const entry = scanRecord(reader, offset, end);
    if (entry === null) return null;
    sums.writeUInt32LE(entry.crc, 4 * entries.length);
    entries.push(entry);
    offset += recordHeaderBytes + entry.length;
  }
  const crc = header.readUInt32LE(8);
  const isSound = crc === sumOf(header, sums) && isSoundHeader(header);
  if (offset !== end || !isSound) return null;
  return fieldsOf(header, { crc, entries, end });
}

/** What an undamaged header says of its frame; null when there is none. */
export function headerOf(
  reader: SegmentReader,
  at: number,
  mark: Buffer,
): { readonly end: number; readonly blankSectors: number } | null {
  const position = reader.locate(at, frameHeaderBytes);
  if (position < 0) return null;
  const header = reader.buffer.subarray(position, position + frameHeaderBytes);
  if (header.compare(mark, 0, markBytes, 0, markBytes) !== 0 || !isSoundHeader(header)) return null;
  const end = at + frameHeaderBytes + readU53(header, bodyAt);
  return { end, blankSectors: header.readUInt32LE(blankAt) };
}

/** Whether a sector with a part of a frame's header was never written: whatever else there is, it is torn. */
export function isZeroed(reader: SegmentReader, at: number): boolean {
  const end = at + frameHeaderBytes;
  for (let from = at; from < end; ) {
    const to = Math.min(end, sectorEnd(from));
    const length = Math.min(to, reader.end) - from;
    const position = length <= 0 ? -1 : reader.locate(from, length);
    if (position < 0 || isBlank(reader.buffer, position, position + length)) return true;
    from = to;
  }
  return false;
}

/** Of a frame: `sums` are those of its entries. */
function sumOf(header: Buffer, sums: Buffer): number {
  const head = crc32(header.subarray(12, headerCrcAt));
  return crc32(sums, crc32(header.subarray(flagsAt), head));
}

function sumOfHeader(header: Buffer): number {
  return crc32(header.subarray(flagsAt), crc32(header.subarray(0, headerCrcAt)));
}

const isSoundHeader = (header: Buffer): boolean =>
  header.readUInt32LE(headerCrcAt) === sumOfHeader(header);

function fieldsOf(header: Buffer, rest: Pick<Frame, "crc" | "entries" | "end">): Frame {
  const flags = header.readUInt32LE(flagsAt);
  const term = asTerm(readU53(header, 40));
  const votedFor = (flags & flag.vote) === 0 ? null : asNode(readU53(header, 48));
  const base = { term: asTerm(readU53(header, 56)), index: asIndex(readU53(header, 64)) };
  return {
    previous: header.readUInt32LE(12),
    sequence: readU53(header, 16),
    hardState: (flags & flag.hardState) === 0 ? null : { term, votedFor },
    restart: (flags & flag.restart) === 0 ? null : base,
    ...rest,
  };
}

function scanRecord(
  reader: SegmentReader,
  offset: number,
  end: number,
): (ScannedEntry & { readonly crc: number }) | null {
  const found = checkRecord(reader, offset, end);
  if (found === null) return null;
  const { header, position, crc } = found;
  const { term, index, kind, length } = header;
  const dataAt = position + recordHeaderBytes;
  const data =
    kind === "membership"
      ? new Uint8Array(reader.buffer.subarray(dataAt, dataAt + length)) // A copy: the window moves.
      : null;
  return { term, index, kind, length, offset, data, crc };
}

/** Finds a record and checks its sum; null when it is damaged or reaches beyond `end`. */
function checkRecord(
  reader: SegmentReader,
  offset: number,
  end: number,
): { readonly header: EntryHeader; readonly position: number; readonly crc: number } | null {
  let position = offset + recordHeaderBytes > end ? -1 : reader.locate(offset, recordHeaderBytes);
  if (position < 0) return null;
  const header = decodeEntryHeader(reader.buffer, position + 4);
  if (typeof header === "string") return null;
  const whole = recordHeaderBytes + header.length;
  position = offset + whole > end ? -1 : reader.locate(offset, whole);
  if (position < 0) return null;
  const crc = reader.buffer.readUInt32LE(position);
  if (crc !== crc32(reader.buffer.subarray(position + 4, position + whole))) return null;
  return { header, position, crc };
}

/** The length and index of the record at an offset without a look at its data; null at the end. */
export function peekRecord(reader: SegmentReader, offset: number): EntryHeader | null {
  const position = reader.locate(offset, recordHeaderBytes);
  if (position < 0) return null;
  const header = decodeEntryHeader(reader.buffer, position + 4);
  return typeof header === "string" ? null : header;
}

/** The entry whose record stands at an offset, with its own copy of the data; null when damaged. */
export function readRecord(reader: SegmentReader, offset: number): Entry | null {
  const found = checkRecord(reader, offset, reader.end);
  if (found === null) return null;
  const { term, index, kind, length } = found.header;
  const dataAt = found.position + recordHeaderBytes;
  const data = new Uint8Array(reader.buffer.subarray(dataAt, dataAt + length));
  return { term, index, kind, data };
}

/** The offset of the record at or behind an offset: frame headers on the way are passed over. */
export function skipFrameHeader(reader: SegmentReader, offset: number, mark: Buffer): number {
  let at = offset;
  for (;;) {
    const position = reader.locate(at, frameHeaderBytes);
    if (position < 0) return at;
    const isFrame = reader.buffer.compare(mark, 0, markBytes, position, position + markBytes) === 0;
    if (!isFrame) return at;
    at += frameHeaderBytes;
  }
}

/** Looks for a valid frame of this or a later save anywhere behind an offset; null when there is none. */
export function findFrame(
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
    const frame = readFrame(reader, at, place.mark);
    if (frame !== null && frame.sequence >= place.sequence) return at;
    at += 1;
  }
  return null;
}

/** True when a file holds nothing but zeros from an offset on: prepared and not yet used. */
export function isZero(reader: SegmentReader, from: number): boolean {
  let at = from;
  while (at < reader.end) {
    const ahead = reader.ahead(at);
    assert(ahead.length > 0, "a file does not shrink while it is read");
    const part = ahead.subarray(0, zeros.length);
    if (!part.equals(zeros.subarray(0, part.length))) return false;
    at += part.length;
  }
  return true;
}
