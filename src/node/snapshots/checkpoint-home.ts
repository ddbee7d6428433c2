// Where this node's checkpoint is: the directory that counts, its store, and how another one takes their place.

import type { SnapshotPoint } from "../../raft/core/types.ts";
import type { LevelSizes } from "../../state/checkpoint/level.ts";
import type { OnLoaded } from "../../state/checkpoint/load.ts";
import type { CheckpointMeta } from "../../state/checkpoint/meta.ts";
import { type CheckpointStore, openCheckpointStore } from "../../state/checkpoint/store.ts";
import { type CheckpointView, StagedCheckpoint } from "../../state/checkpoint/transfer.ts";
import type { Machine } from "../../state/execution/machine.ts";
import { CheckpointDirectory, type RestartMark } from "../directory/checkpoint-directory.ts";
import { clearLoading, markLoading } from "../directory/loading-mark.ts";
import { type Probe, probeCheckpoint } from "./probe.ts";

export interface LoadedHome {
  readonly home: CheckpointHome;
  /** Null when no checkpoint was ever written. */
  readonly checkpoint: CheckpointMeta | null;
}

/** The process that reads the checkpoint in this directory is ended by LevelDB, with this signal. */
export interface DeadlyHome {
  readonly deadly: { readonly directory: string; readonly signal: NodeJS.Signals };
}

export interface HomeOptions {
  readonly probe?: Probe;
  /** Of the store, here and in the checkpoints that take its place. */
  readonly sizes?: LevelSizes | undefined;
  /** Before it is read: the directory of the checkpoint that counts. */
  readonly onFound?: (directory: string) => Promise<void>;
  /** What it throws or rejects with ends the loading. */
  readonly onLoaded?: OnLoaded;
}

export class CheckpointHome {
  readonly #directory: CheckpointDirectory;
  readonly #sizes: LevelSizes | undefined;
  #store: CheckpointStore;

  /** Use `CheckpointHome.open`. */
  constructor(directory: CheckpointDirectory, store: CheckpointStore, sizes?: LevelSizes) {
    this.#directory = directory;
    this.#store = store;
    this.#sizes = sizes;
  }

  /**
   * In a data directory whose lock is held: fills an empty machine. A start that died of it is followed
   * by one that probes the checkpoint first. Rejects with an error for the operator.
   */
  static async open(
    path: string,
    machine: Machine,
    options: HomeOptions = {},
  ): Promise<LoadedHome | DeadlyHome> {
    const directory = await CheckpointDirectory.open(path);
    await options.onFound?.(directory.current);
    if (await markLoading(path)) {
      const probe = options.probe ?? probeCheckpoint;
      const signal = await probe(directory.current);
      if (signal !== null) return { deadly: { directory: directory.current, signal } };
    }
    try {
      return await load(directory, machine, options);
    } finally {
      await clearLoading(path);
    }
  }

  /** The store in use; `replace` opens another one. */
  get store(): CheckpointStore {
    return this.#store;
  }

  /** Not null: the log has to restart behind the checkpoint before anything else; then `restarted`. */
  get restart(): RestartMark | null {
    return this.#directory.restart;
  }

  /** See CheckpointDirectory. */
  bytes(): Promise<number> {
    return this.#directory.bytes();
  }

  view(): Promise<CheckpointView | null> {
    return this.#store.view();
  }

  stage(metaBytes: Buffer): Promise<StagedCheckpoint> {
    return StagedCheckpoint.create(this.#directory.stagingPath(), metaBytes);
  }

  /** Durable when it resolves. No checkpoint is written meanwhile. */
  async replace(staged: StagedCheckpoint, { index, term }: SnapshotPoint): Promise<void> {
    await staged.close();
    await this.#store.close();
    await this.#directory.switchTo(staged.directory, { index, term });
    this.#store = await openCheckpointStore(this.#directory.current, { sizes: this.#sizes });
  }

  restarted(): Promise<void> {
    return this.#directory.restarted();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

async function load(
  directory: CheckpointDirectory,
  machine: Machine,
  { onLoaded, sizes }: HomeOptions,
): Promise<LoadedHome> {
  const store = await openCheckpointStore(directory.current, { sizes });
  try {
    const checkpoint = await store.load(machine, onLoaded);
    return { home: new CheckpointHome(directory, store, sizes), checkpoint };
  } catch (error) {
    await store.close();
    throw error;
  }
}
