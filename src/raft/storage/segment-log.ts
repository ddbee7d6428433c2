// The durable log in segment files: each save is written and synced in one step.

import { assert } from "../../assert.ts";
import { logCacheBytes, segmentBytes } from "../../constants.ts";
import { diskFiles, type Files, shortWrite } from "../../disk.ts";
import { asError } from "../../system-error.ts";
import type { Save } from "../core/core.ts";
import {
  asIndex,
  type Entry,
  type HardState,
  type LogIndex,
  type Membership,
  type Term,
} from "../core/types.ts";
import type { LogStore, RestartPoint } from "../ports.ts";
import { recordHeadBytes } from "../record.ts";
import { EntryCache } from "./entry-cache.ts";
import { readEntries } from "./entry-reader.ts";
import type { LogState } from "./log-state.ts";
import { NextSegment } from "./next-segment.ts";
import { encodeSave, type SaveContent, saveHeadBytes } from "./save.ts";
import type { Damage, OnRead } from "./scan.ts";
import { allocatedFor, type Segment, truncatePoints, zeros } from "./segment.ts";
import { createSegment, type Recovered, recover } from "./segment-files.ts";
import { writeWatermark } from "./watermark.ts";

/** The watermark is renewed after this many bytes; it bounds how large an unnoticed loss can be. */
const watermarkEveryBytes = 8 * 1024 * 1024;
/** One write of the system takes less than 2^31 bytes. */
const saveBytesMax = 2 ** 31 - 1024 * 1024;

export interface SegmentLogOptions {
  readonly directory: string;
  /** 32 bits that name the node: the log of another one is refused. */
  readonly owner?: number;
  /**
   * The disk failed or lies: called once, and nothing is acknowledged any more. The process must
   * end: what is on disk is known only to a new opening.
   */
  readonly onFailure: (error: Error) => void;
  /** Called when the first save is on disk. That save is acknowledged only after this has resolved. */
  readonly onBegun?: () => Promise<void>;
  readonly segmentBytes?: number;
  /** Whether the disk has so many bytes to spare, for a segment that is made ahead of time. */
  readonly hasSpace?: (bytes: number) => Promise<boolean>;
  /** Called while the opening reads the log. What it throws or rejects with ends the opening. */
  readonly onRead?: OnRead;
  /** Tests: with 0 what is read comes from the files. */
  readonly cacheBytes?: number;
  /** Tests: a disk that fails, and loses power. */
  readonly files?: Files;
}

/** Rejects only when the disk fails; a log that cannot be trusted comes back as `damaged`. */
export async function openSegmentLog(options: SegmentLogOptions): Promise<SegmentLog | Damage> {
  const files = options.files ?? diskFiles;
  const recovered = await recover(files, options.directory, options.owner ?? 0, options.onRead);
  return "damaged" in recovered ? recovered : new SegmentLog(options, recovered);
}

export class SegmentLog implements LogStore {
  /** The opening cut off a save that a crash had left incomplete. */
  readonly torn: boolean;
  readonly #files: Files;
  readonly #directory: string;
  readonly #onFailure: (error: Error) => void;
  readonly #owner: number;
  readonly #segmentBytes: number;
  readonly #state: LogState;
  readonly #segments: Segment[];
  readonly #cache: EntryCache;
  readonly #next: NextSegment;
  /** Of the last completed save. */
  #sequence: number;
  #chain: number;
  #saving = false;
  /** Null once the log has begun. */
  #onBegun: (() => Promise<void>) | null;
  #failed = false;
  #unmarkedBytes = 0;
  /** Watermarks and removals, one after the other. */
  #background: Promise<void> = Promise.resolve();
  #whenSaved: (() => void) | null = null;
  #closed: Promise<void> | null = null;

  constructor(options: SegmentLogOptions, recovered: Recovered) {
    this.#files = options.files ?? diskFiles;
    this.#directory = options.directory;
    this.#onFailure = options.onFailure;
    this.#owner = options.owner ?? 0;
    this.#segmentBytes = options.segmentBytes ?? segmentBytes;
    this.#cache = new EntryCache(options.cacheBytes ?? logCacheBytes);
    this.#next = new NextSegment({
      files: this.#files,
      directory: this.#directory,
      segmentBytes: this.#segmentBytes,
      hasSpace: options.hasSpace ?? (() => Promise.resolve(true)),
      onFailure: (error) => this.#fail(error),
    });
    this.#state = recovered.state;
    this.#segments = recovered.segments;
    this.#sequence = recovered.sequence;
    this.#chain = recovered.chain;
    this.torn = recovered.torn;
    this.#onBegun = recovered.sequence === 0 ? (options.onBegun ?? null) : null;
  }

  get firstIndex(): LogIndex {
    return this.#state.firstIndex;
  }

  get lastIndex(): LogIndex {
    return this.#state.lastIndex;
  }

  get hardState(): HardState {
    return this.#state.hardState;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, { end }) => sum + end, 0);
  }

  get #active(): Segment {
    const newest = this.#segments.at(-1);
    assert(newest !== undefined, "a log has a segment");
    return newest;
  }

  term(index: LogIndex): Term | null {
    return this.#state.term(index);
  }

  isCached(index: LogIndex): boolean {
    return index >= this.#cache.firstIndex;
  }

  membershipAt(
    index: LogIndex,
  ): { readonly index: LogIndex; readonly membership: Membership } | null {
    return this.#state.membershipAt(index);
  }

  slice(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    assert(from <= to, "a slice has an entry");
    assert(from >= this.firstIndex && to <= this.lastIndex, "a slice is inside of the log");
    const cached = Math.max(from, Math.min(this.#cache.firstIndex, to + 1));
    const entries = from < cached ? this.#read(from, asIndex(cached - 1), bytesMax) : [];
    if (entries.length < cached - from) return entries;
    let bytes = entries.reduce((sum, { data }) => sum + data.byteLength, 0);
    for (let index = cached; index <= to; index += 1) {
      const entry = this.#cache.get(index);
      assert(entry !== undefined, "the cache holds the end of the log");
      bytes += entry.data.byteLength;
      if (bytes > bytesMax && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  /** Reads entries that the cache does not hold any more from the files. */
  #read(from: LogIndex, to: LogIndex, bytesMax: number): Entry[] {
    try {
      const range = { from, to, last: this.lastIndex, bytesMax };
      return readEntries(this.#files, this.#segments, range);
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** The data of the entries must not change any more. `done` never comes after a failure. */
  save(save: Pick<Save, "hardState" | "entries">, done: () => void): void {
    if (this.#failed) return;
    assert(!this.#saving, "one save is in flight at a time");
    const { hardState, entries } = save;
    let after: Entry | null = null;
    for (const entry of entries) {
      const problem = this.#state.problem(entry, after);
      assert(problem === null, `saved entries are contiguous: ${problem}`);
      after = entry;
    }
    const first = entries[0]?.index ?? this.firstIndex;
    assert(first >= this.firstIndex, "nothing is written below the first entry");
    this.#start({ hardState, entries, restart: null }, done);
  }

  /** Drops all entries: the log goes on behind a snapshot. Part of the order of saves. */
  restart(point: RestartPoint, done: () => void): void {
    const { base, membership } = point;
    const entries: Entry[] = [];
    if (membership !== null) {
      assert(membership.index <= base.index, "the membership was in force at the base");
      entries.push({ ...membership, term: base.term, kind: "membership" });
    }
    this.#start({ hardState: null, entries, restart: base }, done);
  }

  #start(content: Pick<SaveContent, "hardState" | "entries" | "restart">, done: () => void): void {
    if (this.#failed) return;
    assert(!this.#saving, "one save is in flight at a time");
    assert(this.#closed === null, "a closed log takes no save");
    this.#saving = true;
    const write = () => this.#write({ ...content, ...this.#placeInChain() }, done);
    if (this.#active.end < this.#segmentBytes) write();
    else void this.#roll().then(write, (error: unknown) => this.#fail(error));
  }

  #placeInChain(): Pick<SaveContent, "sequence" | "previous"> {
    return { sequence: this.#sequence + 1, previous: this.#chain };
  }

  #write(content: SaveContent, done: () => void): void {
    const segment = this.#active;
    const encoded = encodeSave({ mark: segment.mark, at: segment.end }, content);
    assert(encoded.bytes <= saveBytesMax, "a save fits into one write");
    const end = segment.end + encoded.bytes;
    let buffers = encoded.buffers;
    let allocated = segment.allocated;
    if (end > allocated) {
      allocated = allocatedFor(end);
      if (allocated > end) buffers = [...buffers, zeros.subarray(0, allocated - end)];
    }
    this.#files.write(segment.fd, buffers, segment.end, (error, written) => {
      const problem = error ?? shortWrite(buffers, written);
      if (problem !== null) {
        this.#fail(problem);
        return;
      }
      this.#enter(content, segment);
      segment.end = end;
      segment.allocated = allocated;
      this.#chain = encoded.crc;
      this.#sequence = content.sequence;
      this.#unmarkedBytes += encoded.bytes;
      if (this.#unmarkedBytes >= watermarkEveryBytes) this.#mark();
      if (end >= this.#segmentBytes / 2) this.#next.prepare();
      this.#settled();
      this.#whenBegun(done);
    });
  }

  #whenBegun(done: () => void): void {
    const onBegun = this.#onBegun;
    this.#onBegun = null;
    if (onBegun === null) done();
    else onBegun().then(done, (error: unknown) => this.#fail(error));
  }

  /** A save is on disk: from now on its entries can be read. */
  #enter(content: SaveContent, segment: Segment): void {
    const { hardState, restart, entries } = content;
    if (hardState !== null) this.#state.hardState = hardState;
    if (restart !== null) {
      truncatePoints(this.#segments, 0);
      this.#cache.clear();
      this.#state.restart(restart);
      for (const { index, data } of entries) this.#expect(this.#state.remember(index, data));
      return;
    }
    let offset = segment.end + saveHeadBytes;
    for (const entry of entries) {
      if (entry.index <= this.lastIndex) truncatePoints(this.#segments, entry.index);
      this.#expect(this.#state.append(entry));
      segment.points.add(entry.index, offset);
      this.#cache.append(entry);
      offset += recordHeadBytes + entry.data.byteLength;
    }
  }

  #expect(problem: string | null): void {
    assert(problem === null, `what was saved can be read: ${problem}`);
  }

  #settled(): void {
    this.#saving = false;
    this.#whenSaved?.();
  }

  async #roll(): Promise<void> {
    const number = this.#active.number + 1;
    const place = { number, state: this.#state, sequence: this.#sequence, chain: this.#chain };
    const prepared = this.#next.claim();
    const segment = await createSegment(this.#files, this.#directory, place, prepared);
    this.#segments.push(segment);
    this.#mark();
    await this.#background;
  }

  /** Renews the watermark; what it names is on disk by now. */
  #mark(): void {
    this.#unmarkedBytes = 0;
    this.#inBackground(() => this.#writeMark());
  }

  #writeMark(): Promise<void> {
    const oldest = this.#segments[0] ?? this.#active;
    return writeWatermark(this.#files, this.#directory, {
      sequence: this.#sequence,
      firstSegment: oldest.number,
      lastSegment: this.#active.number,
      owner: this.#owner,
    });
  }

  #inBackground(work: () => Promise<void>): void {
    this.#background = this.#background
      .then(() => (this.#failed ? undefined : work()))
      .catch((error: unknown) => this.#fail(error));
  }

  cutBefore(index: LogIndex, retainedBytes = 0): void {
    const dropped: Segment[] = [];
    let { bytes } = this;
    for (;;) {
      const [oldest, ...later] = this.#segments;
      if (oldest === undefined || later.length === 0) break;
      bytes -= oldest.end;
      if (bytes < retainedBytes) break;
      const start = later.find(({ points }) => points.length > 0)?.points.index(0);
      const first = start ?? this.lastIndex + 1;
      if (first > index || this.#failed) break;
      if (first > this.firstIndex) this.#state.cut(first);
      this.#cache.dropBelow(first);
      this.#segments.shift();
      dropped.push(oldest);
    }
    if (dropped.length > 0) this.#inBackground(() => this.#remove(dropped));
  }

  /** The watermark is written first: after that no opening expects these files. */
  async #remove(dropped: readonly Segment[]): Promise<void> {
    await this.#writeMark();
    for (const segment of dropped) {
      await this.#files.remove(segment.path);
      await this.#files.close(segment.fd);
    }
    await this.#files.syncDirectory(this.#directory);
  }

  #fail(cause: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    this.#whenSaved?.();
    this.#onFailure(asError(cause));
  }

  /** Waits for the save in flight. After a failure it only closes the files. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#saving && !this.#failed) {
      await new Promise<void>((resolve) => {
        this.#whenSaved = resolve;
      });
    }
    // An exact watermark: the next opening knows that nothing at the tail can be a torn save.
    this.#mark();
    await this.#background;
    await this.#next.close();
    for (const { fd } of this.#segments) await this.#files.close(fd);
  }
}
