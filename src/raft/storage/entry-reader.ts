// Entries from the segment files: long stretches in one read, each entry checked once and none copied.

import type { Files } from "../../disk.ts";
import type { Entry, LogIndex } from "../core/types.ts";
import { claimedIndex, claimedLength, readRecord, recordHeadBytes } from "../record.ts";
import { isMarked, markBytes, saveHeadBytes } from "./save.ts";
import type { Segment } from "./segment.ts";

/** One read takes at most this much, or one larger entry: the event loop waits for it. */
const pieceBytesMax = 1024 * 1024;
/** One read takes at least this much, because the first wanted entry lies somewhere behind a point. */
const pieceBytesMin = 64 * 1024;

interface Range {
  readonly from: LogIndex;
  readonly to: LogIndex;
  /** Of the whole log. */
  readonly last: LogIndex;
  readonly bytesMax: number;
}

/**
 * Entries [from, to]: at least one, then as many as fit into `bytesMax`. They are views into the pieces
 * that were read. Throws when an entry cannot be read as it was written.
 */
export function readEntries(files: Files, segments: readonly Segment[], range: Range): Entry[] {
  const entries: Entry[] = [];
  const walk = new Walk(files);
  let room = range.bytesMax;
  for (let next: number = range.from; next <= range.to; ) {
    const run = findRun(segments, next, range);
    walk.start(run);
    for (let index = run.index; index <= run.to; index += 1) {
      const length = walk.lengthOf(index, room);
      if (index < next) {
        walk.skip(length);
        continue;
      }
      if (length > room && entries.length > 0) return entries;
      entries.push(walk.read(index, length, room));
      room -= length;
    }
    next = run.to + 1;
  }
  return entries;
}

/** Entries that stand one behind the other in a file, from a point up to the next one. */
interface Run {
  readonly segment: Segment;
  readonly index: number;
  readonly offset: number;
  readonly to: number;
  /** The offset up to which bytes of the file are wanted. */
  readonly end: number;
}

function findRun(segments: readonly Segment[], index: number, { to, last }: Range): Run {
  let following = last + 1;
  for (const segment of segments.toReversed()) {
    const { points } = segment;
    const at = points.find(index);
    if (at >= 0) {
      const behind = at + 1 < points.length ? points.index(at + 1) : following;
      const beyond = points.find(to) + 1;
      return {
        segment,
        index: points.index(at),
        offset: points.offset(at),
        to: Math.min(behind - 1, to),
        end: beyond < points.length ? points.offset(beyond) : segment.end,
      };
    }
    if (points.length > 0) following = points.index(0);
  }
  throw new Error(`entry ${index} is in no segment of the log`);
}

/** Goes through a file record by record, over the heads of saves; reads in pieces. */
class Walk {
  readonly #files: Files;
  #segment: Segment | null = null;
  /** Where the next record stands in the file, and where the walk ends at the latest. */
  #offset = 0;
  #end = 0;
  /** The part of the file from `#start` on. */
  #piece: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(files: Files) {
    this.#files = files;
  }

  /** Bytes of the same file that were read before are used again. */
  start({ segment, offset, end }: Run): void {
    if (segment !== this.#segment) this.#piece = Buffer.alloc(0);
    this.#segment = segment;
    this.#offset = offset;
    this.#end = end;
  }

  /** The length of the next entry's data, which is not checked yet. `room`: about how many bytes are still wanted. */
  lengthOf(index: number, room: number): number {
    let position = this.#locate(markBytes, room);
    while (position >= 0 && isMarked(this.#piece, position, this.#mark)) {
      this.#offset += saveHeadBytes;
      position = this.#locate(markBytes, room);
    }
    position = this.#locate(recordHeadBytes, room);
    if (position < 0 || claimedIndex(this.#piece, position) !== index)
      throw this.#unreadable(index);
    return claimedLength(this.#piece, position);
  }

  skip(length: number): void {
    this.#offset += recordHeadBytes + length;
  }

  read(index: number, length: number, room: number): Entry {
    const position = this.#locate(recordHeadBytes + length, room);
    const entry = position < 0 ? null : readRecord(this.#piece, position);
    if (entry === null || typeof entry === "string") throw this.#unreadable(index);
    this.skip(length);
    return entry;
  }

  get #mark(): Buffer {
    return this.#segment?.mark ?? Buffer.alloc(0);
  }

  /** Where in the piece the next bytes stand; -1 when the walk ends before. */
  #locate(length: number, room: number): number {
    const offset = this.#offset;
    if (offset + length > this.#end) return -1;
    const isThere = offset >= this.#start && offset + length <= this.#start + this.#piece.length;
    if (!isThere)
      this.#read(Math.max(length, Math.min(pieceBytesMax, Math.max(room, pieceBytesMin))));
    return offset + length <= this.#start + this.#piece.length ? offset - this.#start : -1;
  }

  /** Reads into a new buffer each time, because entries are views into it. The file's own length bounds its size. */
  #read(wanted: number): void {
    const piece = Buffer.allocUnsafeSlow(Math.min(wanted, this.#end - this.#offset));
    let length = 0;
    while (length < piece.length && this.#segment !== null) {
      const rest = piece.subarray(length);
      const read = this.#files.read(this.#segment.fd, rest, this.#offset + length);
      if (read === 0) break;
      length += read;
    }
    this.#piece = piece.subarray(0, length);
    this.#start = this.#offset;
  }

  #unreadable(index: number): Error {
    const place = `${this.#segment?.path} at offset ${this.#offset}`;
    return new Error(`${place}: entry ${index} cannot be read as it was written`);
  }
}
