// The ports of the driver: what it needs of a disk and of a network. Small, owned by the consumer.

import type { LogReader, Save } from "./core/ready.ts";
import type { Entry, HardState, LogIndex, Message, NodeId, Term } from "./core/types.ts";

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
  /** Drops whole segments that hold only entries below an index. Asynchronous, never urgent. */
  cutBefore(index: LogIndex): void;
  close(): Promise<void>;
}

/** Drops what cannot be sent; Raft sends again. */
export interface Transport {
  send(message: Message): void;
}

/** What happens above: the state machine and its clients. */
export interface Consumer {
  /** Committed, durable here, in order, each once. */
  committed(entries: readonly Entry[]): void;
  readReady(id: number, index: LogIndex): void;
  readLost(id: number): void;
  /** Term or leader changed. */
  leaderChanged(leader: NodeId | null, term: Term): void;
}
