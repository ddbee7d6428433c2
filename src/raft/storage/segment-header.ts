// The head of a segment file: what the log held before it, so that older segments can be dropped.

import { crc32 } from "node:zlib";
import { Gather, readU53 } from "../../gather.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type HardState,
  type LogIndex,
  type Term,
} from "../core/types.ts";
import { markBytes } from "./frame.ts";
import type { SegmentReader } from "./segment-reader.ts";

/*
 * magic (8 bytes), crc u32 of all that follows, header bytes u32, version u32, flags u32, mark (8
 * bytes), segment u53, first sequence u53, chain u32, count of memberships u32, last index u53, last
 * term u53, hard state term u53, vote u53; then per membership: index u53, length u32, data.
 */

const magic = Buffer.from("KVORUMLG", "latin1");
const version = 2;
const fixedBytes = 88;
const flag = { vote: 1, termKnown: 2 } as const;

export interface SegmentHeader {
  /** Random: begins every frame of this segment. */
  readonly mark: Buffer;
  /** Segments are numbered from 1, without gaps. */
  readonly segment: number;
  /** Of the first save in this segment. */
  readonly firstSequence: number;
  /** The crc of the last frame of the segment before; 0 in the first one. */
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
  const into = new Gather(bytes);
  into.copy(magic);
  into.u32(0);
  into.u32(bytes);
  into.u32(version);
  into.u32((votedFor === null ? 0 : flag.vote) | (header.lastTerm === null ? 0 : flag.termKnown));
  into.copy(header.mark);
  into.u53(header.segment);
  into.u53(header.firstSequence);
  into.u32(header.chain);
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
  into.inline.writeUInt32LE(crc32(into.inline.subarray(12)), 8);
  return into.inline;
}

/** The header and its length; a string says what is wrong with it. */
export function readSegmentHeader(
  reader: SegmentReader,
): { readonly header: SegmentHeader; readonly bytes: number } | string {
  let position = reader.locate(0, fixedBytes);
  if (position < 0) return "the file is shorter than its header";
  const claimed = reader.buffer.readUInt32LE(position + 12);
  if (claimed < fixedBytes) return "the header is damaged";
  position = reader.locate(0, claimed);
  if (position < 0) return "the file is shorter than its header";
  const from = Buffer.from(reader.buffer.subarray(position, position + claimed));
  if (from.compare(magic, 0, 8, 0, 8) !== 0) return "it is not a segment of a log";
  if (from.readUInt32LE(8) !== crc32(from.subarray(12))) return "the header is damaged";
  const found = from.readUInt32LE(16);
  if (found !== version) return `it has format version ${found}, known is ${version}`;
  return { header: fieldsOf(from), bytes: claimed };
}

function fieldsOf(from: Buffer): SegmentHeader {
  const flags = from.readUInt32LE(20);
  const votedFor = (flags & flag.vote) === 0 ? null : asNode(readU53(from, 80));
  const memberships: { index: LogIndex; data: Uint8Array }[] = [];
  let at = fixedBytes;
  for (let rest = from.readUInt32LE(52); rest > 0; rest -= 1) {
    const dataAt = at + 12;
    const end = dataAt + from.readUInt32LE(at + 8);
    memberships.push({
      index: asIndex(readU53(from, at)),
      data: new Uint8Array(from.subarray(dataAt, end)),
    });
    at = end;
  }
  return {
    mark: Buffer.from(from.subarray(24, 24 + markBytes)),
    segment: readU53(from, 32),
    firstSequence: readU53(from, 40),
    chain: from.readUInt32LE(48),
    lastIndex: asIndex(readU53(from, 56)),
    lastTerm: (flags & flag.termKnown) === 0 ? null : asTerm(readU53(from, 64)),
    hardState: { term: asTerm(readU53(from, 72)), votedFor },
    memberships,
  };
}
