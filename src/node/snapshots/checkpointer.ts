// When a checkpoint is written: after enough log bytes, on request, and before an orderly end.

import {
  checkpointCopies,
  compactionRest,
  mergeWorthBytes,
  mergeWorthShare,
} from "../../constants.ts";
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
  /** Whether the disk has so many bytes to spare; the reserve gives way if that helps. */
  readonly makeRoom: (bytes: number) => Promise<boolean>;
  /** What the store may need to merge tables, beside anything else that it does. */
  readonly mergeSpace: () => number;
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
  #restsUntilMs = 0;
  /** What the store took on disk for each byte in memory when it held nothing else; null: not known since the start. */
  #storeShare: number | null = null;
  /** What the checkpoint that runs may still take of the disk. */
  #runningBytes = 0;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#lastMs = options.nowMs();
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

  /** What the checkpoint that runs and the one after it may still take of the disk. */
  get claimedBytes(): number {
    return this.#runningBytes + checkpointCopies * this.#nextBytes;
  }

  /** Entries of so many bytes were applied. */
  applied(bytes: number): void {
    this.#bytesSince += bytes;
    if (this.isRunning) return;
    if (Math.max(this.#bytesSince, this.#nextBytes) >= this.#options.logBytes()) void this.run();
  }

  /** A deleted key is a few bytes in the log, and fewer in a checkpoint; of keys that are gone nothing else is written. */
  get #nextBytes(): number {
    const { disk, used } = this.#options.machine.keyspace;
    return Math.min(disk.dirtyBytes, Math.max(used, this.#bytesSince));
  }

  /** A merge writes nothing anew that is gone. */
  get #mergeBytes(): number {
    return Math.min(this.#options.machine.keyspace.used, this.#options.mergeSpace());
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
    const mayMerge = this.#options.nowMs() >= this.#restsUntilMs;
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
    let bytes = 0;
    try {
      if (!(await this.#makeRoom())) return false;
      while (machine.isApplying) await this.#options.whenStill();
      this.#runningBytes = checkpointCopies * this.#nextBytes;
      const startedMs = nowMs();
      this.#bytesSince = 0;
      const { appliedIndex, records } = await writeCheckpoint(store(), machine, {
        ...context(),
        pause: nextTurn,
        wrote: (more) => {
          bytes += more;
          this.#runningBytes = Math.max(0, this.#runningBytes - more);
          wrote?.(more);
        },
      });
      this.#lastMs = nowMs();
      this.#runningBytes = 0;
      written(appliedIndex);
      const ms = this.#lastMs - startedMs;
      logger.debug({ appliedIndex, records, bytes, ms }, "checkpoint written");
      return true;
    } catch (error) {
      onFailure(error as Error);
      return false;
    }
  }

  /** A checkpoint that finds the disk full ends the process; the log holds all that it would hold. */
  async #makeRoom(): Promise<boolean> {
    const { makeRoom, logger } = this.#options;
    const isRoomy = await makeRoom(checkpointCopies * this.#nextBytes + this.#mergeBytes);
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
      const { keyspace } = machine;
      const before = await storeBytes();
      const old = before - (this.#storeShare ?? 0) * keyspace.used;
      if (old < Math.max(mergeWorthBytes, mergeWorthShare * before)) return;
      if (!(await makeRoom(this.#mergeBytes))) return;
      await store().compact();
      // What is in memory alone is little: a checkpoint came before.
      if (keyspace.used > 0) this.#storeShare = (await storeBytes()) / keyspace.used;
      const ms = nowMs() - startedMs;
      this.#restsUntilMs = nowMs() + compactionRest * ms;
      logger.debug({ ms }, "the space of deleted keys is given back");
    } catch (error) {
      onFailure(error as Error);
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
