// The ports of the driver: what it needs of a disk and of a network. Small, owned by the consumer.

import type { LogReader, ReadyRead, Save } from "./core/core.ts";
import type {
  Entry,
  EntryId,
  HardState,
  LogIndex,
  NodeId,
  PeerMessage,
  SnapshotPoint,
  Term,
} from "./core/types.ts";

/** Where a log goes on after a snapshot took the place of its entries. */
export interface RestartPoint {
  readonly base: EntryId;
  /** The membership in force at `base`, as its entry held it. */
  readonly membership: { readonly index: LogIndex; readonly data: Uint8Array } | null;
}

/** The durable log. One save is in flight at a time: the driver waits for `done`. */
export interface LogStore extends LogReader {
  /** As read at the opening. */
  readonly hardState: HardState;
  /** Bytes on disk. */
  readonly bytes: number;
  /**
   * Writes hard state and entries as one unit and calls `done` when they are on disk. An error of
   * the disk never comes back: the store ends the process (`onFailure` of its options).
   */
  save(save: Pick<Save, "hardState" | "entries">, done: () => void): void;
  /** Drops all entries: the log goes on behind a snapshot. Takes its turn like a save. */
  restart(point: RestartPoint, done: () => void): void;
  /**
   * Drops whole segments that hold only entries below an index, oldest first, as long as so many bytes
   * remain. Asynchronous, never urgent.
   */
  cutBefore(index: LogIndex, retainedBytes?: number): void;
  close(): Promise<void>;
}

/** Drops what cannot be sent; Raft sends again. */
export interface Transport {
  send(message: PeerMessage): void;
  /** What was sent leaves now: the peers write it to their disks while this node goes on with its turn. */
  flush(): void;
  /**
   * The member needs the newest checkpoint, for this leader's log does not reach back far enough.
   * Whenever the transfer is over and may not have helped, `snapshotFailed` is called.
   */
  sendSnapshot(to: NodeId): void;
}

/** What happens above: the state machine and its clients. */
export interface Consumer {
  /** The consumer cannot take committed entries now. It asks for a turn as soon as it can. */
  readonly standsStill: boolean;
  /**
   * Entries that are committed and durable here, in order, each once. The consumer keeps those that it cannot apply
   * at once, and stands still.
   */
  committed(entries: readonly Entry[]): void;
  /**
   * The state up to `point` takes the place of this node's state, and the log restarts behind it:
   * `done` when both are durable, in one step that a crash does not divide. Nothing is committed or
   * saved meanwhile. The next entry that is committed follows `point`.
   */
  install(point: SnapshotPoint, done: () => void): void;
  readReady(read: ReadyRead): void;
  readLost(id: number): void;
  /** Once: the log has lost entries up to here that this node acknowledged. The process has to end. */
  lost(upTo: LogIndex): void;
  /** Term or leader changed. */
  leaderChanged(leader: NodeId | null, term: Term): void;
}
