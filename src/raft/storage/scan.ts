// Reads the segments of a log at its opening and judges: sound, torn at the tail, or damaged.

import { join } from "node:path";
import type { Files } from "../../disk.ts";
import type { LogState } from "./log-state.ts";
import { findSave, readSave, type StoredSave } from "./save.ts";
import { isBlankFrom } from "./sectors.ts";
import { Segment, truncatePoints } from "./segment.ts";
import { OtherFormat, readSegmentHeader, type SegmentHeader } from "./segment-header.ts";
import { SegmentReader } from "./segment-reader.ts";
import { damageAt } from "./torn-save.ts";

/** The log cannot be trusted: this node must neither vote nor serve until it is re-synchronised. */
export interface Damage {
  /** What is wrong, with the file and the place. */
  readonly damaged: string;
  /** It is not damaged: another version of the program has written it. */
  readonly isOtherFormat?: boolean;
}

/** Between two saves, with the bytes that were read in all: null, or what has to be waited for. */
export type OnRead = (bytes: number) => Promise<void> | null;

const suffix = ".segment";

export const segmentName = (number: number): string => `${`${number}`.padStart(16, "0")}${suffix}`;

/** Null when the name is not one of a segment. */
export function segmentNumber(name: string): number | null {
  const number = Number(name.slice(0, -suffix.length));
  return name === segmentName(number) && Number.isSafeInteger(number) ? number : null;
}

export class Scan {
  readonly state: LogState;
  readonly segments: Segment[] = [];
  /** Of the last save that was read. */
  sequence = 0;
  /** Its crc. */
  chain = 0;
  /** Where in the newest segment the last save begins; null when there is none. */
  lastSaveAt: number | null = null;
  /** Bytes behind the last valid save of the newest segment are not zero: a torn save. */
  torn = false;
  /** A segment was written by another version of the program. */
  isOtherFormat = false;
  readonly #files: Files;
  readonly #onRead: OnRead;
  /** Of all segments so far. */
  #readBytes = 0;

  constructor(files: Files, state: LogState, onRead: OnRead = () => null) {
    this.#files = files;
    this.state = state;
    this.#onRead = onRead;
  }

  /** Reads the next segment; null, or what is wrong. Throws when the disk cannot be read. */
  async readSegment(directory: string, number: number, newest: boolean): Promise<string | null> {
    const path = join(directory, segmentName(number));
    const { fd, size } = await this.#files.open(path);
    const reader = new SegmentReader(this.#files, fd, size);
    const head = readSegmentHeader(reader);
    const isKnown = typeof head !== "string" && !(head instanceof OtherFormat);
    const mark = isKnown ? head.header.mark : Buffer.alloc(0);
    const end = isKnown ? head.bytes : 0;
    const segment = new Segment({ number, path, fd }, { mark, end, allocated: size });
    const before = this.segments.at(-1);
    this.segments.push(segment);
    if (head instanceof OtherFormat) {
      this.isOtherFormat = true;
      return `${path}: ${head.words}`;
    }
    if (typeof head === "string") return `${path}: ${head}`;
    if (head.header.segment !== number) return `${path} was segment ${head.header.segment}`;
    const misfit = before === undefined ? this.#beginWith(head.header) : this.#misfit(head.header);
    if (misfit !== null) {
      return before === undefined
        ? `${path}: ${misfit}`
        : `${before.path} at offset ${before.end}: ${path} does not go on there (${misfit})`;
    }
    return this.#readSaves(segment, reader, newest);
  }

  /** The oldest segment tells what was before it. */
  #beginWith(header: SegmentHeader): string | null {
    this.sequence = header.firstSequence - 1;
    this.chain = header.chain;
    this.state.hardState = header.hardState;
    this.state.restart({ index: header.lastIndex, term: header.lastTerm });
    for (const { index, data } of header.memberships) {
      const problem = this.state.remember(index, data);
      if (problem !== null) return problem;
    }
    return null;
  }

  #misfit(header: SegmentHeader): string | null {
    if (header.firstSequence !== this.sequence + 1) {
      return `save ${this.sequence + 1} is expected, it begins with ${header.firstSequence}`;
    }
    if (header.chain !== this.chain) return "the chain is broken";
    return header.lastIndex === this.state.lastIndex
      ? null
      : `it follows entry ${header.lastIndex}, not ${this.state.lastIndex}`;
  }

  async #readSaves(
    segment: Segment,
    reader: SegmentReader,
    newest: boolean,
  ): Promise<string | null> {
    this.lastSaveAt = null;
    for (;;) {
      const save = readSave(reader, segment.end, segment.mark);
      if (save === null) break;
      const problem = this.#follow(segment, save);
      if (problem !== null) return `${segment.path} at offset ${segment.end}: ${problem}`;
      this.lastSaveAt = segment.end;
      this.#readBytes += save.end - segment.end;
      segment.end = save.end;
      const wait = this.#onRead(this.#readBytes);
      if (wait !== null) await wait;
    }
    // What follows in an older segment is judged by the next segment, which must go on from here.
    if (!newest || isBlankFrom(reader, segment.end)) return null;
    const { mark, end } = segment;
    const later = findSave(reader, { from: end + 1, mark, sequence: this.sequence + 1 });
    if (later !== null) {
      return `${segment.path} at offset ${end}: damaged, but a valid save follows at ${later}`;
    }
    const damage = damageAt(reader, end, mark);
    if (damage !== null) return `${segment.path} at offset ${end}: ${damage}`;
    this.torn = true;
    return null;
  }

  /** Applies a save to the state as it was applied when it was written; a string says why it cannot be the next one. */
  #follow(segment: Segment, save: StoredSave): string | null {
    const { sequence, previous, restart } = save;
    if (sequence !== this.sequence + 1) return `save ${sequence} follows ${this.sequence}`;
    if (previous !== this.chain) return `save ${sequence} breaks the chain`;
    const problem = restart === null ? this.#append(segment, save) : this.#restart(save);
    if (problem !== null) return problem;
    if (save.hardState !== null) this.state.hardState = save.hardState;
    this.sequence = sequence;
    this.chain = save.crc;
    return null;
  }

  #append(segment: Segment, save: StoredSave): string | null {
    let after: StoredSave["entries"][number] | null = null;
    for (const entry of save.entries) {
      const problem = this.state.problem(entry, after);
      if (problem !== null) return problem;
      if (entry.index <= this.state.lastIndex) truncatePoints(this.segments, entry.index);
      const unreadable = this.state.append(entry);
      if (unreadable !== null) return unreadable;
      segment.points.add(entry.index, entry.offset);
      after = entry;
    }
    return null;
  }

  #restart(save: StoredSave): string | null {
    const { restart, entries } = save;
    const [membership, ...others] = entries;
    if (restart === null || others.length > 0) return "a restart with entries";
    truncatePoints(this.segments, 0);
    this.state.restart(restart);
    if (membership === undefined) return null;
    return this.state.remember(membership.index, membership.data ?? new Uint8Array());
  }
}
