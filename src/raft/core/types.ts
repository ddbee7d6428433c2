// The words of Raft as types: numbers that must not be mixed, entries, messages, configurations.

declare const brand: unique symbol;
type Brand<Name extends string> = number & { readonly [brand]: Name };

/** Term 0 is before the first election. */
export type Term = Brand<"Term">;
/** Index 0 is before the first entry. */
export type LogIndex = Brand<"LogIndex">;
/** Never 0, never used again for another member. */
export type NodeId = Brand<"NodeId">;

export const asTerm = (value: number): Term => value as Term;
export const asIndex = (value: number): LogIndex => value as LogIndex;
export const asNode = (value: number): NodeId => value as NodeId;

/** Names one entry for ever: a leader never issues two entries with one index in its term. */
export interface EntryId {
  readonly term: Term;
  readonly index: LogIndex;
}

/** "noop" opens a leader's term (§8); "membership" holds an encoded Membership (§6). */
export type EntryKind = "data" | "noop" | "membership";

export interface Entry extends EntryId {
  readonly kind: EntryKind;
  readonly data: Uint8Array;
  /** The bytes of the entry on the wire and on disk, `data` included. record.ts makes them when they are first needed. */
  readonly record?: Uint8Array;
}

/** What must survive a crash besides the entries (§5.1): on disk before any message of that term. */
export interface HardState {
  readonly term: Term;
  /** The candidate that got this node's vote in `term`, or null. */
  readonly votedFor: NodeId | null;
}

/** A member of the configuration. `address` is opaque to raft (the layers above put addresses there). */
export interface Member {
  readonly id: NodeId;
  /** False: a learner, which gets the log and counts nowhere (thesis 4.2.1). */
  readonly voter: boolean;
  readonly address: string;
}

/**
 * A cluster configuration. Takes effect when its entry is appended, and is rolled back when that
 * entry is truncated. Consecutive ones differ by one voter (thesis 4.1).
 */
export interface Membership {
  readonly members: readonly Member[];
  /** The next id to give away: ids are never used again. */
  readonly nextId: NodeId;
}

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; for a pre-vote the term it would campaign in. */
  readonly term: Term;
}

/** §5.2, §5.4.1; with `pre` thesis 9.6: asks whether a real election could be won. */
export interface RequestVote extends Envelope {
  readonly type: "requestVote";
  readonly pre: boolean;
  /** The candidate's last entry. */
  readonly last: EntryId;
  /** A leadership transfer (thesis 3.10): voters answer although they hear a leader. */
  readonly transfer: boolean;
}

export interface VoteReply extends Envelope {
  readonly type: "voteReply";
  readonly pre: boolean;
  readonly granted: boolean;
}

/** §5.3; with no entries it asks what the follower has, or tells of a new commit index. */
export interface AppendEntries extends Envelope {
  readonly type: "appendEntries";
  readonly prev: EntryId;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
  /** Asks for an answer although it carries no entries; an append that only tells a commit index needs none. */
  readonly probe: boolean;
}

/** Sent only after what it acknowledges is on disk. */
export interface AppendReply extends Envelope {
  readonly type: "appendReply";
  /** Accepted: the last index known to agree. Refused: the refused `prev.index`. */
  readonly index: LogIndex;
  /** Null when accepted; else where to try next: the follower's last entry with a term <= prev.term, or one above it. */
  readonly hint: EntryId | null;
}

export interface Heartbeat extends Envelope {
  readonly type: "heartbeat";
  /** min(match index of the receiver, commit index of the leader). */
  readonly commit: LogIndex;
  /** Rounds of ReadIndex are numbered by the leader's own counter (thesis 6.4). */
  readonly round: number;
}

export interface HeartbeatReply extends Envelope {
  readonly type: "heartbeatReply";
  readonly round: number;
  /** A promise: for an election timeout from now on the sender votes against nobody (thesis 6.4.1). */
  readonly patient: boolean;
}

/** A state that takes the place of a log's head (§7): its last entry, and the configuration in force there. */
export interface SnapshotPoint extends EntryId {
  readonly membership: { readonly index: LogIndex; readonly membership: Membership };
}

/**
 * §7: this node holds the leader's state up to `point`, whole and checked; the log may go on behind it. The state
 * travels in frames of its own, and the node that has received it steps this message into its own core.
 */
export interface InstallSnapshot extends Envelope {
  readonly type: "installSnapshot";
  readonly point: SnapshotPoint;
}

/** Thesis 3.10: the leader tells the best follower to campaign at once. */
export interface TimeoutNow extends Envelope {
  readonly type: "timeoutNow";
}

/** What members say to each other. */
export type PeerMessage =
  | RequestVote
  | VoteReply
  | AppendEntries
  | AppendReply
  | Heartbeat
  | HeartbeatReply
  | TimeoutNow;

/** What a core is given. Only the node's own receiver of snapshots makes an InstallSnapshot, never a peer. */
export type Message = PeerMessage | InstallSnapshot;

export type MessageOf<Type extends Message["type"]> = Extract<Message, { type: Type }>;

export type Role = "leader" | "follower" | "preCandidate" | "candidate";
