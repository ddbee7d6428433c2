// Creates the segment files of a log and brings them back at its opening.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { ensureDirectory, type Files, intendedName, placeFile, writeWhole } from "../../disk.ts";
import { LogState } from "./log-state.ts";
import { type PreparedFile, preparedName } from "./next-segment.ts";
import { markBytes } from "./save.ts";
import { type Damage, type OnRead, Scan, segmentName, segmentNumber } from "./scan.ts";
import { growthBytes, Segment, zeros } from "./segment.ts";
import { encodeSegmentHeader } from "./segment-header.ts";
import { readWatermark, type Watermark, watermarkName, writeWatermark } from "./watermark.ts";

/**
 * A new segment, complete on disk under its name, that goes on after this state; in the prepared file if
 * there is one.
 */
export async function createSegment(
  files: Files,
  directory: string,
  place: {
    readonly number: number;
    readonly state: LogState;
    readonly sequence: number;
    readonly chain: number;
  },
  prepared: PreparedFile | null = null,
): Promise<Segment> {
  const { number, state, sequence, chain } = place;
  const mark = randomBytes(markBytes);
  mark.writeUInt8(mark.readUInt8() | 1); // Never 0: see save.ts.
  const header = encodeSegmentHeader({
    mark,
    segment: number,
    firstSequence: sequence + 1,
    chain,
    lastIndex: state.lastIndex,
    lastTerm: state.lastTerm,
    hardState: state.hardState,
    memberships: state.memberships,
  });
  const path = join(directory, segmentName(number));
  const end = header.length;
  if (prepared !== null) {
    const { fd, bytes } = prepared;
    await writeWhole(files, fd, [header], 0);
    await files.rename(prepared.path, path);
    await files.syncDirectory(directory);
    return new Segment({ number, path, fd }, { mark, end, allocated: Math.max(bytes, end) });
  }
  const padding = zeros.subarray(0, growthBytes - (end % growthBytes));
  const fd = await placeFile(files, path, [header, padding]);
  return new Segment({ number, path, fd }, { mark, end, allocated: end + padding.length });
}

/** What an opened log starts from. */
export interface Recovered {
  readonly state: LogState;
  /** In order; the last one takes the next save. */
  readonly segments: Segment[];
  readonly sequence: number;
  readonly chain: number;
  /** A save that was not completed by a crash was cut off. */
  readonly torn: boolean;
}

/** Opens or creates the log of a directory. Rejects when the disk fails; damage is an answer. */
export async function recover(
  files: Files,
  directory: string,
  owner: number,
  onRead?: OnRead,
): Promise<Recovered | Damage> {
  const numbers = await listSegments(files, directory);
  const watermark = await readWatermark(files, directory);
  if (typeof watermark === "string") return { damaged: watermark };
  if (numbers.length === 0 && watermark === null) return createLog(files, directory, owner);
  if (watermark !== null && watermark.owner !== owner) {
    return { damaged: `${join(directory, watermarkName)} is of another node` };
  }
  const problem = watermark === null ? null : listProblem(directory, numbers, watermark);
  if (problem !== null) return { damaged: problem };

  // A crash in the middle of a cut leaves segments that are not part of the log any more. The watermark that says so may
  // be in the page cache only, so it is synced before they are removed.
  const first = watermark?.firstSegment ?? 1;
  const left = numbers.filter((each) => each < first);
  if (left.length > 0) await files.syncDirectory(directory);
  for (const number of left) await files.remove(join(directory, segmentName(number)));
  const kept = numbers.filter((each) => each >= first);
  const scan = new Scan(files, new LogState(), onRead);
  const close = async (): Promise<void> => {
    for (const { fd } of scan.segments) await files.close(fd);
  };
  let damaged: string | null;
  try {
    damaged = await scanAll(scan, directory, kept);
  } catch (error) {
    await close();
    throw error;
  }
  const verdict = damaged ?? lossProblem(scan, directory, watermark);
  if (verdict === null) return settle({ files, directory, owner }, scan, watermark);
  await close();
  return { damaged: verdict, isOtherFormat: scan.isOtherFormat };
}

/** The numbers of the segments, ascending. Removes what a crash left half made; other names are left alone. */
async function listSegments(files: Files, directory: string): Promise<readonly number[]> {
  await ensureDirectory(files, directory);
  const numbers: number[] = [];
  for (const name of await files.list(directory)) {
    const number = segmentNumber(name);
    if (number !== null) numbers.push(number);
    else if (isTemporary(name)) await files.remove(join(directory, name));
  }
  return numbers.toSorted((a, b) => a - b);
}

function isTemporary(name: string): boolean {
  const intended = intendedName(name);
  if (name === preparedName) return true;
  return intended !== null && (intended === watermarkName || segmentNumber(intended) !== null);
}

async function createLog(files: Files, directory: string, owner: number): Promise<Recovered> {
  const state = new LogState();
  const place = { number: 1, state, sequence: 0, chain: 0 };
  const segment = await createSegment(files, directory, place);
  await writeWatermark(files, directory, { sequence: 0, firstSegment: 1, lastSegment: 1, owner });
  return { state, segments: [segment], sequence: 0, chain: 0, torn: false };
}

function listProblem(
  directory: string,
  numbers: readonly number[],
  watermark: Watermark,
): string | null {
  const present = new Set(numbers);
  const last = Math.max(watermark.lastSegment, numbers.at(-1) ?? 0);
  for (let number = watermark.firstSegment; number <= last; number += 1) {
    if (!present.has(number)) return `${join(directory, segmentName(number))} is missing`;
  }
  return null;
}

async function scanAll(
  scan: Scan,
  directory: string,
  numbers: readonly number[],
): Promise<string | null> {
  for (const number of numbers) {
    const problem = await scan.readSegment(directory, number, number === numbers.at(-1));
    if (problem !== null) return problem;
  }
  return null;
}

/** All that a completed save wrote must be there. */
function lossProblem(scan: Scan, directory: string, watermark: Watermark | null): string | null {
  if (watermark === null) {
    // A crash while the log was created leaves its first segment, empty.
    const created = scan.sequence === 0 && scan.segments.length === 1 && !scan.torn;
    return created ? null : `${join(directory, "watermark")} is missing`;
  }
  if (scan.sequence >= watermark.sequence) return null;
  const newest = scan.segments.at(-1);
  const place = `${newest?.path} at offset ${newest?.end}`;
  return `${place}: the log ends with save ${scan.sequence}, ${watermark.sequence} was completed`;
}

/** Cuts a torn save off and makes sure that what was read is on disk, not only in memory. */
async function settle(
  place: { readonly files: Files; readonly directory: string; readonly owner: number },
  scan: Scan,
  watermark: Watermark | null,
): Promise<Recovered> {
  const { files, directory, owner } = place;
  const { segments, state, sequence, chain, torn } = scan;
  const newest = segments.at(-1);
  const oldest = segments[0];
  if (newest === undefined || oldest === undefined) return createLog(files, directory, owner);
  if (torn) {
    await files.truncate(newest.fd, newest.end);
    newest.allocated = newest.end;
  }
  if (scan.lastSaveAt !== null) await rewrite(files, newest, scan.lastSaveAt);
  await files.sync(newest.fd);
  await files.syncDirectory(directory);
  if (watermark === null || watermark.lastSegment !== newest.number) {
    const [firstSegment, lastSegment] = [oldest.number, newest.number];
    const mark = { sequence, firstSegment, lastSegment, owner };
    await writeWatermark(files, directory, mark);
  }
  return { state, segments, sequence, chain, torn };
}

/**
 * Writes the last save once more, as it is. A process that died in its write, or whose write
 * failed, may have left it in the page cache only, and a page whose write failed counts as clean:
 * no sync would write it again. All saves before it were completed.
 */
async function rewrite(files: Files, segment: Segment, from: number): Promise<void> {
  const piece = Buffer.alloc(Math.min(4 * growthBytes, segment.end - from));
  for (let at = from; at < segment.end; ) {
    const read = files.read(segment.fd, piece.subarray(0, segment.end - at), at);
    if (read === 0) throw new Error(`${segment.path} ends at offset ${at} while it is read`);
    await writeWhole(files, segment.fd, [piece.subarray(0, read)], at);
    at += read;
  }
}
