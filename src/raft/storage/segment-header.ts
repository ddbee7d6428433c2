// The head of a segment file: what the log held before it, so that older segments can be dropped.

import { crc32 } from "node:zlib";
import { ByteWriter, readU53 } from "../../bytes.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type HardState,
  type LogIndex,
  type Term,
} from "../core/types.ts";
import { markBytes } from "./save.ts";
import type { SegmentReader } from "./segment-reader.ts";

/*
 * magic (8 bytes), crc u32 of all that follows, header bytes u32, version u32, mark (8 bytes), segment
 * u53, first sequence u53, chain u32, rows u32; then a row per group: group u32, flags u32, count of
 * memberships u32, last index u53, last term u53, hard state term u53, vote u53, and per membership:
 * index u53, length u32, data. There is one row, of group 0.
 */

const magic = Buffer.from("KVORUMLG", "latin1");
const version = 3;
const rowAt = 52;
/** Bytes of a header whose row has no memberships. */
const fixedBytes = rowAt + 44;
/** Magic, checksum, length and version stand at the same place in every format. */
const prefixBytes = 20;
const flag = { vote: 1, termKnown: 2 } as const;

export interface SegmentHeader {
  /** Random: begins every save of this segment. */
  readonly mark: Buffer;
  /** Segments are numbered from 1, without gaps. */
  readonly segment: number;
  /** Of the first save in this segment. */
  readonly firstSequence: number;
  /** The crc of the last save of the segment before; 0 in the first one. */
  readonly chain: number;
  /** Last entry before this segment. */
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term | null;
  readonly hardState: HardState;
  /** Those that may still be in force or come back into force by a truncation; ascending. */
  readonly memberships: readonly { readonly index: LogIndex; readonly data: Uint8Array }[];
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  let bytes = fixedBytes;
  for (const { data } of header.memberships) bytes += 12 + data.byteLength;
  const { votedFor } = header.hardState;
  const into = new ByteWriter(bytes);
  into.copy(magic);
  into.u32(0);
  into.u32(bytes);
  into.u32(version);
  into.copy(header.mark);
  into.u53(header.segment);
  into.u53(header.firstSequence);
  into.u32(header.chain);
  into.u32(1);
  into.u32(0);
  into.u32((votedFor === null ? 0 : flag.vote) | (header.lastTerm === null ? 0 : flag.termKnown));
  into.u32(header.memberships.length);
  into.u53(header.lastIndex);
  into.u53(header.lastTerm ?? 0);
  into.u53(header.hardState.term);
  into.u53(votedFor ?? 0);
  for (const { index, data } of header.memberships) {
    into.u53(index);
    into.u32(data.byteLength);
    into.copy(data);
  }
  const written = into.finish();
  written.writeUInt32LE(crc32(written.subarray(12)), 8);
  return written;
}

/** An undamaged header that another version of the program has written. */
export class OtherFormat {
  readonly format: number;

  constructor(format: number) {
    this.format = format;
  }

  get words(): string {
    return `log format ${this.format}, this version knows only ${version}`;
  }
}

/** The header and its length; a string says what is wrong with it. */
export function readSegmentHeader(
  reader: SegmentReader,
): { readonly header: SegmentHeader; readonly bytes: number } | OtherFormat | string {
  let position = reader.locate(0, prefixBytes);
  if (position < 0) return "the file is shorter than its header";
  const claimed = reader.buffer.readUInt32LE(position + 12);
  if (claimed < prefixBytes) return "the header is damaged";
  position = reader.locate(0, claimed);
  if (position < 0) return "the file is shorter than its header";
  const from = Buffer.from(reader.buffer.subarray(position, position + claimed));
  if (from.compare(magic, 0, 8, 0, 8) !== 0) return "it is not a segment of a log";
  if (from.readUInt32LE(8) !== crc32(from.subarray(12))) return "the header is damaged";
  const found = from.readUInt32LE(16);
  // Before anything else is asked of it: other formats are shorter.
  if (found !== version) return new OtherFormat(found);
  if (claimed < fixedBytes) return "the header is damaged";
  const isOfOneGroup = from.readUInt32LE(rowAt - 4) === 1 && from.readUInt32LE(rowAt) === 0;
  if (!isOfOneGroup) return "it is of more groups than this version knows";
  return { header: fieldsOf(from), bytes: claimed };
}

function fieldsOf(from: Buffer): SegmentHeader {
  const flags = from.readUInt32LE(rowAt + 4);
  const votedFor = (flags & flag.vote) === 0 ? null : asNode(readU53(from, rowAt + 36));
  const memberships: { index: LogIndex; data: Uint8Array }[] = [];
  let at = fixedBytes;
  for (let rest = from.readUInt32LE(rowAt + 8); rest > 0; rest -= 1) {
    const dataAt = at + 12;
    const end = dataAt + from.readUInt32LE(at + 8);
    memberships.push({
      index: asIndex(readU53(from, at)),
      data: new Uint8Array(from.subarray(dataAt, end)),
    });
    at = end;
  }
  return {
    mark: Buffer.from(from.subarray(20, 20 + markBytes)),
    segment: readU53(from, 28),
    firstSequence: readU53(from, 36),
    chain: from.readUInt32LE(44),
    lastIndex: asIndex(readU53(from, rowAt + 12)),
    lastTerm: (flags & flag.termKnown) === 0 ? null : asTerm(readU53(from, rowAt + 20)),
    hardState: { term: asTerm(readU53(from, rowAt + 28)), votedFor },
    memberships,
  };
}
