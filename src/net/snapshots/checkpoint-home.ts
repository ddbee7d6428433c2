// Where this node's checkpoint is: the directory that counts, its store, and how another one takes their place.

import type { SnapshotPoint } from "../../raft/core/types.ts";
import { type CheckpointStore, openCheckpointStore } from "../../state/checkpoint-store.ts";
import { type CheckpointView, StagedCheckpoint } from "../../state/checkpoint-transfer.ts";
import { CheckpointDirectory, type RestartMark } from "../directory/checkpoint-directory.ts";

export class CheckpointHome {
  readonly #directory: CheckpointDirectory;
  #store: CheckpointStore;

  /** Use `CheckpointHome.open`. */
  constructor(directory: CheckpointDirectory, store: CheckpointStore) {
    this.#directory = directory;
    this.#store = store;
  }

  /** In a data directory whose lock is held. Rejects with an error for the operator. */
  static async open(path: string): Promise<CheckpointHome> {
    const directory = await CheckpointDirectory.open(path);
    return new CheckpointHome(directory, await openCheckpointStore(directory.current));
  }

  /** Another one after `replace`. */
  get store(): CheckpointStore {
    return this.#store;
  }

  /** Not null: the log has to restart behind the checkpoint before anything else; then `restarted`. */
  get restart(): RestartMark | null {
    return this.#directory.restart;
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
    this.#store = await openCheckpointStore(this.#directory.current);
  }

  restarted(): Promise<void> {
    return this.#directory.restarted();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
