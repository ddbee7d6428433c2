// Entries from the segment files: found through the sparse points, and checked again when read.

import { asIndex, type Entry, type LogIndex } from "../core/types.ts";
import { peekRecord, readRecord, recordHeaderBytes, skipFrameHeader } from "./frame.ts";
import type { Segment } from "./segment.ts";

interface Range {
  readonly from: LogIndex;
  readonly to: LogIndex;
  /** Of the whole log. */
  readonly last: LogIndex;
}

/** Throws when an entry cannot be read as it was written. */
export function* readEntries(segments: readonly Segment[], range: Range): Generator<Entry> {
  let next: number = range.from;
  let used: Segment | null = null;
  try {
    while (next <= range.to) {
      const run = findRun(segments, next, range.last);
      used = run.segment;
      const to = Math.min(run.to, range.to);
      for (const entry of readRun(run, asIndex(next), asIndex(to))) {
        next = entry.index + 1;
        yield entry;
      }
    }
  } finally {
    // Whoever reads on does so where this stops; other windows are only memory.
    for (const segment of segments) if (segment !== used) segment.release();
  }
}

/** Entries that stand one behind the other in a file, up to the next point. */
interface Run {
  readonly segment: Segment;
  readonly index: number;
  readonly offset: number;
  readonly to: number;
}

function findRun(segments: readonly Segment[], index: number, last: number): Run {
  let following = last + 1;
  for (const segment of segments.toReversed()) {
    const { points } = segment;
    const at = points.find(index);
    if (at >= 0) {
      const to = (at + 1 < points.length ? points.index(at + 1) : following) - 1;
      return { segment, index: points.index(at), offset: points.offset(at), to };
    }
    if (points.length > 0) following = points.index(0);
  }
  throw new Error(`entry ${index} is in no segment of the log`);
}

function* readRun(run: Run, from: LogIndex, to: LogIndex): Generator<Entry> {
  const { segment } = run;
  const reader = segment.reader();
  let offset = run.offset;
  for (let index = run.index; index <= to; index += 1) {
    offset = skipFrameHeader(reader, offset, segment.mark);
    if (index < from) {
      const header = peekRecord(reader, offset);
      if (header === null || header.index !== index) throw unreadable(segment, offset, index);
      offset += recordHeaderBytes + header.length;
      continue;
    }
    const entry = readRecord(reader, offset);
    if (entry === null || entry.index !== index) throw unreadable(segment, offset, index);
    offset += recordHeaderBytes + entry.data.byteLength;
    yield entry;
  }
}

const unreadable = (segment: Segment, offset: number, index: number): Error =>
  new Error(`${segment.path} at offset ${offset}: entry ${index} cannot be read as it was written`);
