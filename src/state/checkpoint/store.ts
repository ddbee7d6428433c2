// Checkpoints on disk: one LevelDB database with the latest.

import { assert } from "../../assert.ts";
import { checkpointSliceRecords } from "../../constants.ts";
import type { Machine } from "../execution/machine.ts";
import { Checkpoint } from "./checkpoint.ts";
import {
  CheckpointError,
  type CheckpointLevel,
  compactLevel,
  damaged,
  openLevel,
  readingFailed,
  writingFailed,
} from "./level.ts";
import { loadRecords, takeRecords } from "./load.ts";
import {
  type CheckpointContext,
  type CheckpointMeta,
  decodeMeta,
  encodeMeta,
  isOfNewerFormat,
  metaKey,
} from "./meta.ts";
import { firstRecordKey } from "./record.ts";
import { type CheckpointView, openView } from "./transfer.ts";

/**
 * Any error of a write leaves the handle untrustworthy (LevelDB may acknowledge what it then loses):
 * the process must end.
 */
export interface CheckpointStore {
  /**
   * Fills an empty machine; null when no checkpoint was ever written here. Rejects with a
   * CheckpointError when anything is damaged: then the machine is of no use, and nothing is repaired.
   */
  load(machine: Machine): Promise<CheckpointMeta | null>;
  /**
   * Reads all that `load` reads, and makes nothing of it: in little memory, whatever it says. Rejects with a
   * CheckpointError.
   */
  readThrough(): Promise<void>;
  /**
   * The newest checkpoint on disk; null when there is none. Close it soon: see CheckpointView. Rejects
   * with a CheckpointError.
   */
  view(): Promise<CheckpointView | null>;
  /** Gives back the space of records that were deleted or replaced. It writes the others anew, a part of them at a time. */
  compact(): Promise<void>;
  /** Closes its views too. */
  close(): Promise<void>;
}

/** Rejects with a CheckpointError, for example when another process has the directory open. */
export async function openCheckpointStore(directory: string): Promise<CheckpointStore> {
  return new LevelStore(await openLevel(directory));
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
  readonly #level: CheckpointLevel;
  /** Databases that have or may have records on disk; null: as the meta record has it. */
  #ids: ReadonlySet<number> | null = null;
  #isWriting = false;

  constructor(level: CheckpointLevel) {
    this.#level = level;
  }

  async load(machine: Machine): Promise<CheckpointMeta | null> {
    try {
      const meta = await this.#meta();
      if (meta === null) return await this.#loadNothing();
      const leftovers = await loadRecords(this.#level, machine, meta);
      if (typeof leftovers === "string") throw damaged(leftovers);
      this.#ids = new Set([...idsOf(meta), ...leftovers]);
      return meta;
    } catch (error) {
      throw readingFailed(error);
    }
  }

  async readThrough(): Promise<void> {
    try {
      await this.#meta();
      await takeRecords(this.#level, { record: () => null });
    } catch (error) {
      throw readingFailed(error);
    }
  }

  async view(): Promise<CheckpointView | null> {
    try {
      return await openView(this.#level, readMeta);
    } catch (error) {
      throw readingFailed(error);
    }
  }

  async write(
    machine: Machine,
    { pause, sliceRecords = checkpointSliceRecords, ...run }: CheckpointRun,
  ): Promise<{ appliedIndex: number; records: number }> {
    assert(!this.#isWriting, "one checkpoint at a time");
    this.#isWriting = true;
    const batch = this.#level.batch();
    const { term, membershipIndex, membership } = run;
    const checkpoint = new Checkpoint(machine, { term, membershipIndex, membership }, batch);
    while (checkpoint.encodeSlice(sliceRecords)) await pause();
    const meta = checkpoint.meta();
    batch.put(metaKey, encodeMeta(meta));
    try {
      // A store whose directory came from another node was never loaded.
      this.#ids ??= idsOf(await this.#meta());
      await batch.write({ sync: true });
      await this.#forgetFlushed(this.#ids, idsOf(meta));
    } catch (error) {
      throw writingFailed(error);
    }
    this.#isWriting = false;
    return { appliedIndex: meta.appliedIndex, records: checkpoint.records };
  }

  compact(): Promise<void> {
    return compactLevel(this.#level);
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  async #meta(): Promise<CheckpointMeta | null> {
    const bytes = (await this.#level.get(metaKey)) as Buffer | undefined;
    return bytes === undefined ? null : readMeta(bytes);
  }

  /** Without a meta record there must be no other: a lost one must not look like a new node. */
  async #loadNothing(): Promise<null> {
    const some = await this.#level.keys({ limit: 1 }).all();
    if (some.length > 0) throw damaged("there are records, but no meta record");
    return null;
  }

  /** The records of flushed databases: no checkpoint names them any more. */
  async #forgetFlushed(before: ReadonlySet<number>, living: ReadonlySet<number>): Promise<void> {
    for (const id of before) {
      if (living.has(id)) continue;
      await this.#level.clear({ gte: firstRecordKey(id), lt: firstRecordKey(id + 1) });
    }
    this.#ids = living;
  }
}

/** Throws a CheckpointError. */
function readMeta(bytes: Buffer): CheckpointMeta {
  const meta = decodeMeta(bytes);
  if (typeof meta !== "string") return meta;
  throw isOfNewerFormat(bytes) ? new CheckpointError(`${meta}: start that version`) : damaged(meta);
}

function idsOf(meta: CheckpointMeta | null): ReadonlySet<number> {
  return new Set(meta?.databases.map(({ id }) => id));
}
