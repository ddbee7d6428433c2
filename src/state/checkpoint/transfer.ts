// A checkpoint on its way to another node: read from a view here, staged in a directory there.
//
// First the meta record, as it is, then chunks of records (chunk.ts) in the order of their
// keys. Nothing that comes from a peer is believed: every record proves itself by its checksum, their
// order by ascending keys, and all of them together by the number and the digest in the meta record.

import { mkdir, rm } from "node:fs/promises";
import { assert } from "../../assert.ts";
import type { Machine } from "../execution/machine.ts";
import { ChunkBuilder, ChunkReader } from "./chunk.ts";
import { type CheckpointLevel, openLevel, readingFailed, writingFailed } from "./level.ts";
import { loadRecords, type OnStep } from "./load.ts";
import { type CheckpointMeta, decodeMeta, metaKey, recordsOf } from "./meta.ts";
import { RecordDecoder } from "./record.ts";

/**
 * One checkpoint, whatever is written after it. An open view costs disk: LevelDB keeps everything that
 * it shows, however often it was replaced since. Closing the store closes its views.
 */
export interface CheckpointView {
  readonly meta: CheckpointMeta;
  /** The meta record, for `StagedCheckpoint.create`. */
  readonly metaBytes: Buffer;
  /**
   * The records that follow a key (null: from the first on), about `bytesMax` bytes of them; a larger
   * record goes alone. `last` is the key to go on after. Null at the end. Any bytes are a harmless key.
   * Rejects with a CheckpointError, also when the view was closed.
   */
  read(after: Buffer | null, bytesMax: number): Promise<RecordChunk | null>;
  /** May be called again. */
  close(): Promise<void>;
}

export interface RecordChunk {
  readonly chunk: Buffer;
  readonly last: Buffer;
  readonly records: number;
}

/** Null when there is no checkpoint yet. Rejects with LevelDB's error. */
export async function openView(
  level: CheckpointLevel,
  readMeta: (bytes: Buffer) => CheckpointMeta,
): Promise<CheckpointView | null> {
  const snapshot = level.snapshot();
  try {
    const metaBytes = (await level.get(metaKey, { snapshot })) as Buffer | undefined;
    if (metaBytes !== undefined) {
      return new LevelView(level, snapshot, { meta: readMeta(metaBytes), metaBytes });
    }
  } catch (error) {
    await snapshot.close();
    throw error;
  }
  await snapshot.close();
  return null;
}

class LevelView implements CheckpointView {
  readonly meta: CheckpointMeta;
  readonly metaBytes: Buffer;

  readonly #level: CheckpointLevel;
  readonly #snapshot: ReturnType<CheckpointLevel["snapshot"]>;
  constructor(
    level: CheckpointLevel,
    snapshot: ReturnType<CheckpointLevel["snapshot"]>,
    { meta, metaBytes }: Pick<CheckpointView, "meta" | "metaBytes">,
  ) {
    this.#level = level;
    this.#snapshot = snapshot;
    this.meta = meta;
    this.metaBytes = metaBytes;
  }

  async read(after: Buffer | null, bytesMax: number): Promise<RecordChunk | null> {
    const builder = new ChunkBuilder(bytesMax);
    try {
      const isInside = after !== null && Buffer.compare(after, metaKey) > 0;
      await this.#fill(builder, isInside ? after : metaKey, bytesMax);
    } catch (error) {
      throw readingFailed(error);
    }
    return builder.take();
  }

  close(): Promise<void> {
    return this.#snapshot.close();
  }

  /** With what follows a key, until the chunk is full. */
  async #fill(builder: ChunkBuilder, gt: Buffer, bytesMax: number): Promise<void> {
    const options = { gt, snapshot: this.#snapshot, highWaterMarkBytes: bytesMax };
    const iterator = this.#level.iterator(options);
    try {
      for (;;) {
        const records = await iterator.nextv(builder.room);
        if (records.length === 0) return;
        for (const [key, value] of records) if (!builder.add(key, value)) return;
      }
    } finally {
      await iterator.close();
    }
  }
}

/**
 * A checkpoint that comes in from a peer, in a directory of its own. Any rejection is a CheckpointError:
 * the disk failed. Nothing counts before `finish`: a crash leaves a directory without a meta record.
 */
export class StagedCheckpoint {
  readonly directory: string;
  /** Of the last record that is staged: where the next chunk goes on. Empty before the first. */
  lastKey: Buffer = Buffer.alloc(0);
  /** What is staged so far. */
  records = 0;
  bytes = 0;

  readonly #meta: CheckpointMeta;
  readonly #metaBytes: Buffer;
  readonly #total: number;
  readonly #decoder = new RecordDecoder();
  #level: CheckpointLevel;
  #isBusy = false;

  /** Use `StagedCheckpoint.create`. */
  constructor(directory: string, level: CheckpointLevel, metaBytes: Buffer) {
    const meta = decodeMeta(metaBytes);
    assert(typeof meta !== "string", "a meta record is decoded before it is staged");
    this.directory = directory;
    this.#level = level;
    this.#meta = meta;
    this.#total = recordsOf(meta);
    this.#metaBytes = Buffer.from(metaBytes);
  }

  /** Empties the directory first (0700). `decodeMeta` has accepted the bytes. */
  static async create(directory: string, metaBytes: Buffer): Promise<StagedCheckpoint> {
    try {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true, mode: 0o700 });
    } catch (error) {
      throw writingFailed(error);
    }
    return new StagedCheckpoint(directory, await openLevel(directory), metaBytes);
  }

  /** All of a chunk or nothing. Null, or what is wrong with it: then nothing has changed. */
  append(chunk: Buffer): Promise<string | null> {
    return this.#alone(() => this.#append(chunk));
  }

  /**
   * Makes it a whole checkpoint on disk and loads that into an empty machine, as a start does: what
   * restores now restores after a crash. Null, or what is wrong: then the machine is of no use.
   * It may take seconds: `onStep` is called now and then, and may ask for a pause.
   */
  finish(machine: Machine, onStep: OnStep = () => null): Promise<string | null> {
    return this.#alone(() => this.#finish(machine, onStep));
  }

  /** Afterwards the directory can be opened, renamed or removed. */
  close(): Promise<void> {
    return this.#level.close();
  }

  async #append(chunk: Buffer): Promise<string | null> {
    const batch = this.#level.batch();
    const reader = new ChunkReader(chunk);
    const before = this.records;
    let records = before;
    let last = this.lastKey;
    let problem: string | null = null;
    while (problem === null && reader.next()) {
      problem = this.#problemOf(reader, last, ++records);
      last = reader.key;
      if (problem === null) batch.put(reader.key, reader.value);
    }
    problem ??= reader.problem;
    if (problem !== null) {
      await batch.close();
      return problem;
    }
    await batch.write(); // Not synced: only the end has to be.
    this.lastKey = Buffer.from(last); // The chunk's memory is used again.
    this.records = records;
    this.bytes += chunk.length;
    return null;
  }

  #problemOf({ key, value }: ChunkReader, last: Buffer, nth: number): string | null {
    const record = this.#decoder;
    const problem = record.open(key, value);
    if (problem !== null) return problem;
    if (Buffer.compare(key, last) <= 0) return `${record.place.text} is out of order`;
    return nth > this.#total ? "there are more records than the checkpoint has" : null;
  }

  async #finish(machine: Machine, onStep: OnStep): Promise<string | null> {
    if (this.records !== this.#total) return `${this.records} of ${this.#total} records are there`;
    await this.#level.put(metaKey, this.#metaBytes, { sync: true });
    // The sync reached one log file of LevelDB, and records may be in an earlier one. Opening anew
    // makes synced tables of all of them.
    await this.#level.close();
    this.#level = await openLevel(this.directory);
    return await loadRecords(this.#level, machine, this.#meta, onStep);
  }

  async #alone(step: () => Promise<string | null>): Promise<string | null> {
    assert(!this.#isBusy, "one step of a staged checkpoint at a time");
    this.#isBusy = true;
    try {
      return await step();
    } catch (error) {
      throw writingFailed(error);
    } finally {
      this.#isBusy = false;
    }
  }
}
