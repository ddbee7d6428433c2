// Checkpoints on disk: the only door to `level`.

import { Level } from "level";
import { assert } from "../assert.ts";
import { checkpointSliceRecords } from "../constants.ts";
import { Checkpoint } from "./checkpoint.ts";
import {
  type CheckpointContext,
  type CheckpointMeta,
  decodeMeta,
  encodeMeta,
  metaKey,
} from "./checkpoint-meta.ts";
import type { Machine } from "./machine.ts";
import { firstRecordKey } from "./record.ts";
import { Restorer } from "./restore.ts";

/** Records and bytes that one step of the load takes out of LevelDB. */
const loadRecords = 1_000;
const loadBytes = 1024 * 1024;

/** The disk refused, or does not hold what was written. The message says which, for an operator. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
}

/**
 * One LevelDB database with one checkpoint: the latest. Any error of a write leaves the handle
 * untrustworthy (LevelDB may acknowledge what it then loses): the process must end.
 */
export interface CheckpointStore {
  /**
   * Fills an empty machine; null when no checkpoint was ever written here. Rejects with a
   * CheckpointError when anything is damaged: then the machine is of no use, and nothing is repaired.
   */
  load(machine: Machine): Promise<CheckpointMeta | null>;
  close(): Promise<void>;
}

/** Rejects with a CheckpointError, for example when another process has the directory open. */
export async function openCheckpointStore(directory: string): Promise<CheckpointStore> {
  const level = new Level<Buffer, Buffer>(directory, {
    keyEncoding: "buffer",
    valueEncoding: "buffer",
  });
  try {
    await level.open();
  } catch (error) {
    throw new CheckpointError(openingProblem(directory, error), { cause: error });
  }
  return new LevelStore(level);
}

export interface CheckpointRun extends CheckpointContext {
  /** Lets the event loop go on: resolves when the next slice may be encoded. */
  readonly pause: () => Promise<void>;
  readonly sliceRecords?: number;
}

/**
 * Writes what is applied at the time of the call as one atomic, synced batch; entries may be applied
 * at every pause. Resolves when it is on disk: the log up to `appliedIndex` is no longer needed.
 * Rejects with a CheckpointError: end the process. One at a time.
 */
export function writeCheckpoint(
  store: CheckpointStore,
  machine: Machine,
  run: CheckpointRun,
): Promise<{ readonly appliedIndex: number; readonly records: number }> {
  assert(store instanceof LevelStore, "openCheckpointStore has made the store");
  return store.write(machine, run);
}

class LevelStore implements CheckpointStore {
  readonly #level: Level<Buffer, Buffer>;
  /** Databases that have or may have records on disk. */
  #ids = new Set<number>();
  #isWriting = false;

  constructor(level: Level<Buffer, Buffer>) {
    this.#level = level;
  }

  async load(machine: Machine): Promise<CheckpointMeta | null> {
    try {
      const bytes = await this.#level.get(metaKey);
      if (bytes === undefined) return await this.#loadNothing();
      const meta = decodeMeta(bytes);
      if (typeof meta === "string") throw damaged(meta);
      await this.#loadRecords(machine, meta);
      return meta;
    } catch (error) {
      if (error instanceof CheckpointError) throw error;
      throw new CheckpointError(`the checkpoint cannot be read: ${text(error)}`, { cause: error });
    }
  }

  async write(
    machine: Machine,
    { pause, sliceRecords = checkpointSliceRecords, term, membership }: CheckpointRun,
  ): Promise<{ appliedIndex: number; records: number }> {
    assert(!this.#isWriting, "one checkpoint at a time");
    this.#isWriting = true;
    const batch = this.#level.batch();
    const checkpoint = new Checkpoint(machine, { term, membership }, batch);
    while (checkpoint.encodeSlice(sliceRecords)) await pause();
    const meta = checkpoint.meta();
    batch.put(metaKey, encodeMeta(meta));
    try {
      await batch.write({ sync: true });
      await this.#forgetFlushed(meta);
    } catch (error) {
      throw new CheckpointError(`the checkpoint was not written: ${text(error)}`, { cause: error });
    }
    this.#isWriting = false;
    return { appliedIndex: meta.appliedIndex, records: checkpoint.records };
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  /** Without a meta record there must be no other: a lost one must not look like a new node. */
  async #loadNothing(): Promise<null> {
    const some = await this.#level.keys({ limit: 1 }).all();
    if (some.length > 0) throw damaged("there are records, but no meta record");
    return null;
  }

  async #loadRecords(machine: Machine, meta: CheckpointMeta): Promise<void> {
    const restorer = new Restorer(machine, meta);
    refuse(restorer.begin());
    const iterator = this.#level.iterator({ gt: metaKey, ...{ highWaterMarkBytes: loadBytes } });
    try {
      // LevelDB's thread reads the next records while this one takes in the last ones.
      let reading = iterator.nextv(loadRecords);
      for (let records = await reading; records.length > 0; records = await reading) {
        reading = iterator.nextv(loadRecords);
        reading.catch(() => {}); // Awaited above, unless a record is refused first.
        for (const [key, value] of records) refuse(restorer.record(key, value));
      }
    } finally {
      await iterator.close();
    }
    refuse(restorer.finish());
    this.#ids = new Set([...meta.databases.map(({ id }) => id), ...restorer.leftovers]);
  }

  /** The records of flushed databases: no checkpoint names them any more. */
  async #forgetFlushed(meta: CheckpointMeta): Promise<void> {
    const living = new Set(meta.databases.map(({ id }) => id));
    for (const id of this.#ids) {
      if (living.has(id)) continue;
      await this.#level.clear({ gte: firstRecordKey(id), lt: firstRecordKey(id + 1) });
    }
    this.#ids = living;
  }
}

function refuse(problem: string | null): void {
  if (problem !== null) throw damaged(problem);
}

function damaged(problem: string): CheckpointError {
  return new CheckpointError(
    `the checkpoint is damaged (${problem}): bring this node back empty, as a new member`,
  );
}

function openingProblem(directory: string, error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const isLocked =
    cause instanceof Error && "code" in cause && (cause.code as unknown) === "LEVEL_LOCKED";
  return isLocked
    ? `${directory} is in use by another process`
    : `${directory} cannot be opened: ${text(cause ?? error)}`;
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
