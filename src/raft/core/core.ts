// The face of the core: events in, work out. Pure: no socket, disk, clock or chance behind it.

import type {
  Entry,
  EntryId,
  HardState,
  LogIndex,
  Member,
  Membership,
  Message,
  NodeId,
  PeerMessage,
  Role,
  SnapshotPoint,
  Term,
} from "./types.ts";

/** What is durable of the log, read by the core; kept by the log store (the consumer's port). */
export interface LogReader {
  /** Index of the first entry that is still there; 1 when nothing was cut. */
  readonly firstIndex: LogIndex;
  /** 0 when empty. */
  readonly lastIndex: LogIndex;
  /**
   * The term of a stored entry, and of the one that a log restarts behind; null when it is not there
   * (never a number: 0 would match something). So a log is cut below the entry that a checkpoint ends
   * with, and that entry stays: without its term nobody could go on from the checkpoint.
   */
  term(index: LogIndex): Term | null;
  /** Entries [from, to], at least one, then as many as fit into `bytesMax`. */
  slice(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[];
  /** Whether a stored entry is in memory: a slice from there on reads nothing from disk. */
  isCached(index: LogIndex): boolean;
  /** The newest membership entry at or below an index; null when there is none. */
  membershipAt(
    index: LogIndex,
  ): { readonly index: LogIndex; readonly membership: Membership } | null;
}

/**
 * Work the core hands out, to be done in this order: `save` starts; `messages` leave at once;
 * when `save` is on disk, `core.saved(save)` and only then `save.messages` leave; `committed` is
 * applied. A new Ready may be taken before the last save is done, but saves are written in order.
 */
export interface Ready {
  /** Null when nothing has to be written. */
  readonly save: Save | null;
  /** May leave at once: they acknowledge nothing that is not on disk. */
  readonly messages: readonly PeerMessage[];
  /**
   * Members that need entries which this leader's log no longer has: each once, until its transfer
   * has helped or `snapshotFailed` or `unreachable` was called.
   */
  readonly snapshots: readonly NodeId[];
  /** Committed and on this node's disk, in order, each exactly once. */
  readonly committed: readonly Entry[];
  /** ReadIndex rounds that are confirmed: state applied up to `index` answers them. */
  readonly reads: readonly ReadyRead[];
  /** Rounds that were given up because leadership was lost. */
  readonly readsLost: readonly number[];
}

export interface ReadyRead {
  readonly id: number;
  readonly index: LogIndex;
  /** A majority promised patience when it confirmed the round: a lease may begin with the round. */
  readonly patient: boolean;
}

export interface Save {
  /** Ascending; a completion names the save, so a stale one can never be mistaken (ABA). */
  readonly sequence: number;
  readonly hardState: HardState | null;
  /** Contiguous; the first one's index may overwrite what was stored: the old tail is dropped. */
  readonly entries: readonly Entry[];
  /**
   * Not null: the state up to this point is taken over and the log restarts behind it, empty. Then
   * `entries` is empty; a hard state must be durable with it or before.
   */
  readonly snapshot: SnapshotPoint | null;
  /** Acknowledge what this save makes durable: they leave after it. */
  readonly messages: readonly PeerMessage[];
}

/** "snapshot": it needs entries that the leader's log no longer has. */
export type ProgressState = "probe" | "replicate" | "snapshot";

/** Progress of one member as the leader sees it; for status and for promotion. */
export interface MemberProgress {
  readonly id: NodeId;
  readonly match: LogIndex;
  readonly active: boolean;
  readonly state: ProgressState;
}

export interface RaftCore {
  readonly id: NodeId;
  readonly term: Term;
  readonly role: Role;
  /** Null when unknown. */
  readonly leader: NodeId | null;
  readonly commit: LogIndex;
  readonly last: EntryId;
  readonly membership: Membership;
  /** True while the newest membership is not committed. */
  readonly membershipPending: boolean;
  /** The snapshot that is to take the log's place and is not yet on disk. */
  readonly installing: SnapshotPoint | null;
  /** This leader has told another member to campaign: from now on it may be deposed at any time. */
  readonly hasHandedOver: boolean;
  /** Bytes appended by this leader and not yet committed. */
  readonly uncommittedBytes: number;
  /**
   * Not null: this node has acknowledged entries up to here and its log does not reach so far, so its disk has
   * lost what others count on. From then on it does nothing: neither votes nor acknowledges (§5.1).
   */
  readonly lostUpTo: LogIndex | null;
  /** No leader is heard as it should be, so rounds of elections may begin with any tick. */
  readonly isHasty: boolean;
  /**
   * For so many ticks the save in flight has not come back. After two election timeouts this node does not campaign,
   * and a leader hands over: it goes on committing with the disks of others, but can apply nothing.
   */
  readonly savingTicks: number;
  /** Messages that contradicted what is known here (a fault of their sender) and changed nothing. */
  readonly dropped: number;

  /** Entries for followers that are far behind wait for the next turn: the budget of this one is spent. */
  readonly wantsTurn: boolean;

  tick(): void;
  step(message: Message): void;
  /** Appends entries to the leader's log in one go; their ids, or null when not leading or leaving. */
  propose(data: readonly Uint8Array[]): readonly EntryId[] | null;
  /** Null, or the reason in words: not leading, another change pending, no own commit yet, no-op change. */
  proposeMembership(change: MembershipChange): EntryId | string;
  /** Starts or joins a round that confirms leadership; null when not leading. The id comes back in Ready. */
  readIndex(): number | null;
  /** Null, or why not. The transfer is given up after an election timeout. */
  transfer(to: NodeId): string | null;
  /** The member left or the connection to it was refused: probe it again later. */
  unreachable(peer: NodeId): void;
  /**
   * The transfer of a snapshot ended, and what came of it is not known: the member is asked again
   * after the next heartbeat that it answers. Changes nothing when it waits for no snapshot.
   */
  snapshotFailed(peer: NodeId): void;
  /**
   * The process of the leader is gone: its port refuses connections. A follower of it no longer
   * defends it (thesis 4.2.3) and campaigns soon; a wrong report on one node disturbs nobody, for
   * the others refuse it their preliminary votes. Terms, votes and the rule of logs are as ever, so
   * it is safe however often it is wrong. But a lease for reads would stand on followers that wait
   * for an election timeout (thesis 6.4.1): it must never be combined with this.
   */
  leaderGone(leader: NodeId): void;
  /** Campaigns at once (cluster of one, tests). */
  campaign(): void;

  /** A turn of the driver begins: so much may be read again for followers that are far behind. */
  beginTurn(): void;
  /**
   * Null when there is nothing to do. While `standsStill` committed entries stay in the log: they are
   * handed out when the state can move on.
   */
  ready(standsStill?: boolean): Ready | null;
  saved(save: Save): void;
  /** Leader only, else empty. */
  progress(): readonly MemberProgress[];
}

/** What can be read of a core without changing it. */
export type CoreView = Readonly<
  Omit<
    RaftCore,
    | "tick"
    | "step"
    | "propose"
    | "proposeMembership"
    | "readIndex"
    | "transfer"
    | "unreachable"
    | "snapshotFailed"
    | "leaderGone"
    | "campaign"
    | "beginTurn"
    | "ready"
    | "saved"
  >
>;

export type MembershipChange =
  | { readonly type: "addLearner"; readonly address: string }
  | { readonly type: "promote"; readonly id: NodeId }
  | { readonly type: "remove"; readonly id: NodeId }
  | { readonly type: "setAddress"; readonly member: Member };

export interface RaftOptions {
  readonly id: NodeId;
  readonly hardState: HardState;
  /** Everything at or below is applied already (the checkpoint's index); 0 at first. */
  readonly applied: LogIndex;
  readonly log: LogReader;
  readonly heartbeatTicks: number;
  /** The timeout is drawn from [electionTicks, 2 * electionTicks). */
  readonly electionTicks: number;
  readonly appendBytesMax: number;
  /** Entry bytes in a message that may well be refused. Default: that of constants.ts. */
  readonly probeBytesMax?: number;
  /** Entry bytes read from disk in one turn, for all followers together. Default: that of constants.ts. */
  readonly catchUpBytesPerTurn?: number;
  readonly inflightMessagesMax: number;
  readonly inflightBytesMax: number;
  /**
   * Leaders may lean on this node for leases (thesis 6.4.1): after each heartbeat, and after a start, it
   * votes for nobody for an election timeout, not even when the leader is known to be gone.
   */
  readonly patient?: boolean;
  /** In [0, 1); for election timeouts only. */
  random(): number;
}
