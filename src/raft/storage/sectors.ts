// Sectors, which a disk writes as a whole: one whose bytes are all 0 was perhaps never written.

import { assert } from "../../assert.ts";
import type { SegmentReader } from "./segment-reader.ts";

const zeros = Buffer.alloc(64 * 1024);

/** The smallest unit of any disk; larger ones are made of these. */
const sectorBytes = 512;

/** Where the sector ends that holds an offset. */
export const sectorEnd = (at: number): number => at - (at % sectorBytes) + sectorBytes;

export const isSectorStart = (at: number): boolean => at % sectorBytes === 0;

/** The first offset at or behind `at` with which a sector begins. */
const sectorStart = (at: number): number => Math.ceil(at / sectorBytes) * sectorBytes;

export function isBlank(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at] !== 0) return false;
  return true;
}

/** Blank sectors among those that begin at or behind `from` in buffers that are written at `at`. */
export function countBlankSectors(
  buffers: readonly Uint8Array[],
  at: number,
  from: number,
): number {
  const first = sectorStart(from);
  let count = 0;
  /** Whether the current sector is blank so far; false before the first one. */
  let blank = false;
  let start = at;
  for (const buffer of buffers) {
    const end = start + buffer.byteLength;
    for (let offset = Math.max(start, first); offset < end; ) {
      if (isSectorStart(offset)) {
        if (blank) count += 1;
        blank = true;
      }
      const stop = Math.min(end, sectorEnd(offset));
      blank = blank && isBlank(buffer, offset - start, stop - start);
      offset = stop;
    }
    start = end;
  }
  return blank ? count + 1 : count;
}

/** Counts the same in a file, up to `to`; sectors behind the end of the file count as blank. */
export function countBlankInFile(reader: SegmentReader, from: number, to: number): number {
  let count = 0;
  for (let at = sectorStart(from); at < to; at += sectorBytes) {
    const length = Math.min(at + sectorBytes, to, reader.end) - at;
    const position = length <= 0 ? -1 : reader.locate(at, length);
    if (position < 0 || isBlank(reader.buffer, position, position + length)) count += 1;
  }
  return count;
}

/** True when a file holds nothing but zeros from an offset on: prepared and not yet used. */
export function isBlankFrom(reader: SegmentReader, from: number): boolean {
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
