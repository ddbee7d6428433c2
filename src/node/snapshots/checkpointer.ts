// When a checkpoint is written: after enough log bytes, on request, and before an orderly end.

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

  /** Entries of so many bytes were applied. */
  applied(bytes: number): void {
    this.#bytesSince += bytes;
    if (this.#bytesSince >= this.#options.logBytes() && !this.isRunning) void this.run();
  }

  /** Resolves when everything applied by now is in a checkpoint on disk. */
  run(): Promise<void> {
    return this.alone(() => this.#write());
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

  async #write(): Promise<void> {
    const { machine, store, context, logger, nowMs, onFailure, written, wrote } = this.#options;
    while (machine.isApplying) await this.#options.whenStill();
    const startedMs = nowMs();
    this.#bytesSince = 0;
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
      written(appliedIndex);
      const ms = this.#lastMs - startedMs;
      logger.debug({ appliedIndex, records, bytes, ms }, "checkpoint written");
    } catch (error) {
      onFailure(error as Error);
    }
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
