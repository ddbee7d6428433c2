// The interface of the core: events go in, work comes out. It is pure and knows no socket, disk, clock or chance.

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

/** The durable part of the log as the core reads it. The log store implements this port. */
export interface LogReader {
  /** Index of the first entry that is still there; 1 when nothing was cut. */
  readonly firstIndex: LogIndex;
  /** 0 when empty. */
  readonly lastIndex: LogIndex;
  /**
   * The term of a stored entry, or of the entry behind which the log was restarted. Null when the log has neither,
   * and never 0, which would match something. Therefore a cut leaves the entry that a checkpoint ends with: without
   * its term no log could go on from the checkpoint.
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
   * Members that need entries which this leader's log no longer has. Each is named once, and again only when its
   * transfer has ended or the member was unreachable.
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
  /** Messages that acknowledge what this save makes durable; they leave after it. */
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
  /** A transfer of leadership has begun and is neither done nor given up. */
  readonly isTransferring: boolean;
  /** Bytes appended by this leader and not yet committed. */
  readonly uncommittedBytes: number;
  /**
   * Not null: this node has acknowledged entries up to here, but its log ends earlier, so its disk has lost what
   * others rely on. From then on the core does nothing: it neither votes nor acknowledges (§5.1).
   */
  readonly lostUpTo: LogIndex | null;
  /** This node has heard no leader for more than two heartbeats, so a campaign may begin with any tick. */
  readonly isHasty: boolean;
  /**
   * How many ticks late the save in flight is: beyond what a slow disk needs for its bytes. After two election timeouts
   * this node does not campaign, and
   * a leader hands over: it could go on committing with the disks of others, but could apply nothing.
   */
  readonly savingTicks: number;
  /** How many messages contradicted what is known here. That is a fault of their sender, and they changed nothing. */
  readonly dropped: number;

  /**
   * Followers that are far behind still wait for entries, because this turn's budget for reading is spent: another
   * turn is wanted.
   */
  readonly wantsTurn: boolean;

  tick(): void;
  step(message: Message): void;
  /**
   * Appends entries to the leader's log in one go and returns their ids; null when this node does not lead or hands
   * over.
   */
  propose(data: readonly Uint8Array[]): readonly EntryId[] | null;
  /** Null, or the reason in words: not leading, another change pending, no own commit yet, no-op change. */
  proposeMembership(change: MembershipChange): EntryId | string;
  /** Starts or joins a round that confirms leadership; null when not leading. The id comes back in Ready. */
  readIndex(): number | null;
  /** Null, or why not. It is given up when the member has come no nearer for an election timeout, and after four. */
  transfer(to: NodeId): string | null;
  /** The member left or the connection to it was refused: probe it again later. */
  unreachable(peer: NodeId): void;
  /**
   * The transfer of a snapshot ended, and its outcome is not known: the member is probed again after the next
   * heartbeat that it answers. Changes nothing when the member waits for no snapshot.
   */
  snapshotFailed(peer: NodeId): void;
  /**
   * The leader's process is gone: its port refuses connections. A follower of it then no longer refuses votes for its
   * sake (thesis 4.2.3) and campaigns soon. A wrong report on one node disturbs nobody, because the others refuse it
   * their pre-votes. Terms, votes and the comparison of logs decide as always, so wrong reports are safe. But leases
   * for reads rely on followers that wait for an election timeout (thesis 6.4.1), so they must never be combined with
   * this.
   */
  leaderGone(leader: NodeId): void;
  /** Campaigns at once (cluster of one, tests). */
  campaign(): void;

  /** A turn of the driver begins: the budget for reading entries of followers that are far behind is renewed. */
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
  /** Most entry bytes in a probe, which the follower may refuse. Default: that of constants.ts. */
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
