// When a checkpoint is written: after enough log bytes, on request, and before an orderly end.

import { checkpointCopies, compactionRest, mergeBytesMax } from "../../constants.ts";
import type { Logger } from "../../logger.ts";
import type { CheckpointContext } from "../../state/checkpoint/meta.ts";
import { type CheckpointStore, writeCheckpoint } from "../../state/checkpoint/store.ts";
import type { Machine } from "../../state/execution/machine.ts";

export interface CheckpointerOptions {
  readonly machine: Machine;
  /** Where checkpoints go; another one after a snapshot was installed. */
  readonly store: () => CheckpointStore;
  /** Resolves when no entry is half done, until the event loop goes on. */
  readonly whenStill: () => Promise<void>;
  /** Log bytes that are applied before the next one starts by itself. */
  readonly logBytes: () => number;
  /** A checkpoint that is being written has taken so many bytes more of the disk. */
  readonly wrote?: (bytes: number) => void;
  /** Whether the disk has so many bytes to spare. */
  readonly hasRoom: (bytes: number) => boolean;
  /** The same, and the reserve gives way if that helps. */
  readonly makeRoom: (bytes: number) => Promise<boolean>;
  /** What the store takes on disk. */
  readonly storeBytes: () => Promise<number>;
  /** On disk: the log up to this entry is no longer needed here. */
  readonly written: (appliedIndex: number) => void;
  /** Raft's part at the index that is applied now. */
  readonly context: () => CheckpointContext;
  readonly logger: Logger;
  readonly nowMs: () => number;
  /** The disk failed: nothing may be acknowledged any more. */
  readonly onFailure: (error: Error) => void;
}

/** One at a time; the event loop goes on between slices. See ARCHITECTURE.md, "One checkpoint". */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #bytesSince = 0;
  #running: Promise<void> | null = null;
  #lastMs: number;
  /** The last attempt found no room, and the log says so. */
  #hadNoRoom = false;
  /** Records were written since the store has given back the space of old ones; nobody knows of the time before the start. */
  #hasOldRecords = true;
  #restsUntilMs = 0;
  /** In any checkpoint since then. */
  #mostKeys: number;
  /** Of the checkpoint that runs. */
  #runningBytes = 0;
  /** Of a record on disk. */
  #meanBytes = 0;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#lastMs = options.nowMs();
    this.#mostKeys = countKeys(options.machine);
    void this.#weigh(this.#mostKeys);
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }
  /** Unix seconds. */
  get lastSeconds(): number {
    return Math.floor(this.#lastMs / 1000);
  }
  get changes(): number {
    return this.#options.machine.keyspace.counters.changes;
  }

  /**
   * About what the checkpoint that runs and the one after it write. A deleted key is a few bytes in the log, and another
   * record takes its place: so changes count as much as the mean record does.
   */
  get expectedBytes(): number {
    return this.#runningBytes + this.#nextBytes;
  }

  /** Entries of so many bytes were applied. */
  applied(bytes: number): void {
    this.#bytesSince += bytes;
    if (this.#nextBytes >= this.#options.logBytes() && !this.isRunning) void this.run();
  }

  get #nextBytes(): number {
    // Nothing is written of keys that are gone, however many they were.
    const records =
      this.changes === 0 ? 0 : Math.min(this.changes, countKeys(this.#options.machine));
    return Math.max(this.#bytesSince, records * this.#meanBytes);
  }

  /** Resolves to true when everything applied by now is in a checkpoint on disk; false: the disk has no room for one. */
  async run(): Promise<boolean> {
    let isWritten = false;
    await this.alone(async () => {
      isWritten = await this.#write();
    });
    return isWritten;
  }

  /** Called every second while the disk is nearly full: brings what was deleted to disk, where its space is given back. */
  freeSpace(): void {
    const mayMerge = this.#hasOldRecords && this.#options.nowMs() >= this.#restsUntilMs;
    if (this.isRunning || (this.changes === 0 && !mayMerge)) return;
    void this.alone(async () => {
      if (this.changes > 0) await this.#write();
      if (mayMerge) await this.#merge();
    });
  }

  /** Runs work that no checkpoint may be written beside. */
  async alone(work: () => Promise<void>): Promise<void> {
    // One that is under way began earlier: it does not hold what was applied since.
    // If it fails, whoever asked for it is told.
    while (this.#running !== null) await this.#running.catch(() => {});
    this.#running = work();
    try {
      await this.#running;
    } finally {
      this.#running = null;
    }
  }

  async #write(): Promise<boolean> {
    const { machine, store, context, logger, nowMs, onFailure, written, wrote } = this.#options;
    while (machine.isApplying) await this.#options.whenStill();
    if (!this.#hasRoom()) return false;
    this.#runningBytes = this.#nextBytes;
    const startedMs = nowMs();
    this.#bytesSince = 0;
    const keys = countKeys(machine);
    let bytes = 0;
    try {
      const { appliedIndex, records } = await writeCheckpoint(store(), machine, {
        ...context(),
        pause: nextTurn,
        wrote(more) {
          bytes += more;
          wrote?.(more);
        },
      });
      this.#lastMs = nowMs();
      this.#hasOldRecords ||= records > 0;
      this.#mostKeys = Math.max(this.#mostKeys, keys);
      this.#runningBytes = 0;
      await this.#weigh(keys);
      written(appliedIndex);
      const ms = this.#lastMs - startedMs;
      logger.debug({ appliedIndex, records, bytes, ms }, "checkpoint written");
      return true;
    } catch (error) {
      onFailure(error as Error);
      return false;
    }
  }

  async #weigh(keys: number): Promise<void> {
    try {
      this.#meanBytes = (await this.#options.storeBytes()) / Math.max(1, keys);
    } catch (error) {
      this.#options.onFailure(error as Error);
    }
  }

  /** A checkpoint that finds the disk full ends the process; the log holds all that it would hold. */
  #hasRoom(): boolean {
    const { hasRoom, logger } = this.#options;
    const isRoomy = hasRoom(checkpointCopies * this.#nextBytes);
    if (!isRoomy && !this.#hadNoRoom) {
      logger.warn(
        "the disk has no room for a checkpoint: the log cannot be cut until space is freed",
      );
    }
    this.#hadNoRoom = !isRoomy;
    return isRoomy;
  }

  /** On a large disk it may take long, and the disk is not there for that alone: so there is a rest after it. */
  async #merge(): Promise<void> {
    const { machine, store, storeBytes, makeRoom, nowMs, logger, onFailure } = this.#options;
    const startedMs = nowMs();
    try {
      // Records of keys that are gone are not written again.
      const keys = countKeys(machine);
      const kept = Math.min(1, keys / Math.max(1, this.#mostKeys));
      if (!(await makeRoom(Math.min(kept * (await storeBytes()), mergeBytesMax)))) return;
      this.#hasOldRecords = false;
      this.#mostKeys = keys;
      await store().compact();
      const ms = nowMs() - startedMs;
      this.#restsUntilMs = nowMs() + compactionRest * ms;
      logger.debug({ ms }, "the space of deleted keys is given back");
    } catch (error) {
      onFailure(error as Error);
    }
  }
}

function countKeys({ keyspace }: Machine): number {
  return keyspace.databases.reduce((sum, { size }) => sum + size, 0);
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
