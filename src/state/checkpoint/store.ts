// Checkpoints on disk: a redo file with what the newest one changes, then one LevelDB database that holds it.

import { basename } from "node:path";
import { assert } from "../../assert.ts";
import { checkpointHurry, checkpointSliceBytes } from "../../constants.ts";
import { diskFiles, type Files, temporaryOf } from "../../disk.ts";
import type { Machine } from "../execution/machine.ts";
import { Checkpoint } from "./checkpoint.ts";
import { compactLevel } from "./compact.ts";
import {
  CheckpointError,
  type CheckpointLevel,
  damaged,
  type LevelSizes,
  openLevel,
  readingFailed,
  usualSizes,
  writingFailed,
} from "./level.ts";
import { loadRecords, type OnLoaded, takeRecords } from "./load.ts";
import {
  type CheckpointContext,
  type CheckpointMeta,
  decodeMeta,
  encodeMeta,
  metaKey,
  otherFormatOf,
} from "./meta.ts";
import { applyRedo, type OnWritten } from "./redo-apply.ts";
import { RedoWriter, redoPath } from "./redo-writer.ts";
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
  load(machine: Machine, onLoaded?: OnLoaded): Promise<CheckpointMeta | null>;
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

export interface StoreParts {
  readonly sizes?: LevelSizes | undefined;
  /** What tests put others in the place of. */
  readonly files?: Files;
  readonly open?: typeof openLevel;
}

/**
 * Takes in first what a crash has left of a checkpoint that counts. Rejects with a CheckpointError, for example when
 * another process has the directory open.
 */
export async function openCheckpointStore(
  directory: string,
  { sizes = usualSizes, files = diskFiles, open = openLevel }: StoreParts = {},
): Promise<CheckpointStore> {
  const store = new LevelStore(directory, files, await open(directory, sizes), sizes.tableBytes);
  try {
    await store.recover();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

export interface CheckpointRun extends CheckpointContext {
  /** Lets the event loop go on: resolves when the next slice may be encoded. */
  readonly pause: () => Promise<void>;
  /** Called while it is written, not at the end. */
  readonly wrote?: OnWritten;
  readonly sliceBytes?: number;
}

export interface WrittenCheckpoint {
  readonly appliedIndex: number;
  readonly records: number;
}

/**
 * Writes what is applied at the time of the call, as a whole or not at all; entries may be applied at every pause.
 * Resolves when LevelDB has it on disk: the log up to `appliedIndex` is no longer needed. Rejects with a
 * CheckpointError: end the process. One at a time.
 */
export function writeCheckpoint(
  store: CheckpointStore,
  machine: Machine,
  run: CheckpointRun,
): Promise<WrittenCheckpoint> {
  assert(store instanceof LevelStore, "openCheckpointStore has made the store");
  return store.write(machine, run);
}

class LevelStore implements CheckpointStore {
  readonly #directory: string;
  readonly #redo: string;
  readonly #files: Files;
  readonly #level: CheckpointLevel;
  readonly #tableBytes: number;
  #isWriting = false;
  /** LevelDB is between two checkpoints until this resolves. */
  #takingIn: Promise<void> | null = null;

  constructor(directory: string, files: Files, level: CheckpointLevel, tableBytes: number) {
    this.#directory = directory;
    this.#redo = redoPath(directory);
    this.#files = files;
    this.#level = level;
    this.#tableBytes = tableBytes;
  }

  /** First. */
  async recover(): Promise<void> {
    try {
      const bytes = (await this.#level.get(metaKey)) as Buffer | undefined;
      if (bytes !== undefined) refuseOtherFormat(bytes);
    } catch (error) {
      throw readingFailed(error);
    }
    try {
      await this.#files.remove(temporaryOf(this.#redo));
      // The name may be in the page cache alone when the process was killed, and LevelDB must not be half done without it.
      await this.#files.syncDirectory(this.#directory);
      const names = await this.#files.list(this.#directory);
      if (names.includes(basename(this.#redo))) {
        await this.#takeIn(() => {});
      }
    } catch (error) {
      throw writingFailed(error);
    }
  }

  async load(machine: Machine, onLoaded?: OnLoaded): Promise<CheckpointMeta | null> {
    try {
      const meta = await this.#meta();
      if (meta === null) return await this.#loadNothing();
      const problem = await loadRecords(this.#level, machine, meta, onLoaded);
      if (problem !== null) throw damaged(problem);
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
      while (this.#takingIn !== null) await this.#takingIn;
      // Takes LevelDB's snapshot at once, before the next redo file can come.
      return await openView(this.#level, readMeta);
    } catch (error) {
      throw readingFailed(error);
    }
  }

  async write(
    machine: Machine,
    { pause, wrote = () => {}, sliceBytes = checkpointSliceBytes, ...context }: CheckpointRun,
  ): Promise<WrittenCheckpoint> {
    assert(!this.#isWriting, "one checkpoint at a time");
    this.#isWriting = true;
    const { term, membershipIndex, membership } = context;
    const redo = new RedoWriter(this.#files, this.#redo, wrote);
    const checkpoint = new Checkpoint(machine, { term, membershipIndex, membership }, redo);
    try {
      await redo.begin();
      const slice = () => sliceBytes * (checkpoint.isHoldingMemory ? checkpointHurry : 1);
      while (checkpoint.encodeSlice(slice())) {
        await redo.drain();
        await pause();
      }
      await redo.finish(encodeMeta(checkpoint.meta()));
      await this.#takeIn(wrote);
    } catch (error) {
      throw writingFailed(error);
    }
    this.#isWriting = false;
    return { appliedIndex: checkpoint.appliedIndex, records: checkpoint.records };
  }

  compact(): Promise<void> {
    return compactLevel(this.#level, this.#tableBytes);
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

  /** LevelDB takes in the redo file, which goes afterwards. */
  async #takeIn(wrote: OnWritten): Promise<void> {
    this.#takingIn = applyRedo(this.#files, this.#redo, this.#level, wrote);
    await this.#takingIn;
    this.#takingIn = null;
    // Not made durable: a file that comes back is taken in again, and the next one takes its name.
    await this.#files.remove(this.#redo);
  }
}

/** Throws a CheckpointError. */
function readMeta(bytes: Buffer): CheckpointMeta {
  refuseOtherFormat(bytes);
  const meta = decodeMeta(bytes);
  if (typeof meta === "string") throw damaged(meta);
  return meta;
}

function refuseOtherFormat(bytes: Buffer): void {
  const problem = otherFormatOf(bytes);
  if (problem !== null) throw new CheckpointError(`${problem}: start the version that wrote it`);
}
