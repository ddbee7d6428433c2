// The frames between nodes besides Raft's own messages: kinds, and the bytes of their bodies.

import { bulkKindMin } from "../net/peers/frame.ts";
import type { NodeId } from "../raft/core/types.ts";

/** The network between nodes, as its users see it. */
export interface Peers {
  /** The peers to dial from now on, this node aside: id to host:port. */
  setPeers(peers: ReadonlyMap<NodeId, string>): void;
  /** False: dropped. The kind says whether it is urgent or bulk (net/peers/frame.ts, `bulkKindMin`). */
  send(to: NodeId, kind: number, body: readonly Uint8Array[]): boolean;
  /** What was sent in this turn leaves now and not at its end: the peers work while this node does. */
  flush(): void;
}

/**
 * What a frame is. Kinds below `bulkKindMin` are urgent and overtake bulk; order holds within the urgent ones and
 * within bulk only.
 */
export const frameKind = {
  /** A message of raft/codec.ts that is no AppendEntries. */
  raft: 1,
  /** Forwarded writes were not taken: send again, from the lowest pending number. */
  refused: 3,
  /** Asks the leader for a read index. */
  readIndex: 4,
  readIndexReply: 5,
  /** RAFT ADD, REMOVE, TRANSFER asked at a follower; JSON. */
  admin: 6,
  adminReply: 7,
  snapshotReply: 9,
  /** Whether the sender's disk is nearly full: one byte. */
  diskSpace: 10,
  /** The sender's state after an entry, to be compared. */
  digest: 11,
  /** A member is at another address than the configuration says: address-book.ts. */
  address: 12,
  /** What the sender's wall clock says: time/node-time.ts. */
  clock: 13,
  /** AppendEntries, in the order in which the leader has sent them. */
  append: bulkKindMin,
  /** Writes for the leader to order. */
  forward: bulkKindMin + 1,
  /** A snapshot on its way: snapshots/snapshot-frames.ts. */
  snapshot: bulkKindMin + 2,
} as const;

/** Heads a batch of writes on its way to the leader; the body is a proposal's (state/proposal.ts). */
export interface ForwardHeader {
  /** The leader's term as the sender knows it: another term refuses the frame. */
  readonly term: number;
  readonly incarnation: number;
  readonly firstNumber: number;
  readonly count: number;
}

const forwardHeaderBytes = 24;

export function encodeForwardHeader(header: ForwardHeader): Buffer {
  const bytes = Buffer.allocUnsafe(forwardHeaderBytes);
  bytes.writeDoubleLE(header.term, 0);
  bytes.writeUInt32LE(header.incarnation, 8);
  bytes.writeDoubleLE(header.firstNumber, 12);
  bytes.writeUInt32LE(header.count, 20);
  return bytes;
}

/** Null when the bytes are no such frame. */
export function decodeForward(frame: Buffer): { header: ForwardHeader; body: Buffer } | null {
  if (frame.length < forwardHeaderBytes) return null;
  const header = {
    term: frame.readDoubleLE(0),
    incarnation: frame.readUInt32LE(8),
    firstNumber: frame.readDoubleLE(12),
    count: frame.readUInt32LE(20),
  };
  if (!isCount(header.term) || !isCount(header.firstNumber) || header.count === 0) return null;
  return { header, body: frame.subarray(forwardHeaderBytes) };
}

/** `token` is the asking node's own counter; `tick` asks for a committed log time first. */
export interface ReadIndexRequest {
  readonly token: number;
  readonly tick: boolean;
}

export function encodeReadIndex(request: ReadIndexRequest): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  bytes.writeDoubleLE(request.token, 0);
  bytes.writeUInt8(request.tick ? 1 : 0, 8);
  return bytes;
}

export function decodeReadIndex(frame: Buffer): ReadIndexRequest | null {
  if (frame.length !== 9) return null;
  const token = frame.readDoubleLE(0);
  return isCount(token) ? { token, tick: frame.readUInt8(8) === 1 } : null;
}

/** What the leader confirms: read at or after `index`; `clockMs` is the leader's log clock. */
export interface ReadIndexReply {
  readonly token: number;
  readonly index: number;
  readonly clockMs: number;
}

export function encodeReadIndexReply(reply: ReadIndexReply): Buffer {
  const bytes = Buffer.allocUnsafe(24);
  bytes.writeDoubleLE(reply.token, 0);
  bytes.writeDoubleLE(reply.index, 8);
  bytes.writeDoubleLE(reply.clockMs, 16);
  return bytes;
}

export function decodeReadIndexReply(frame: Buffer): ReadIndexReply | null {
  if (frame.length !== 24) return null;
  const reply = {
    token: frame.readDoubleLE(0),
    index: frame.readDoubleLE(8),
    clockMs: frame.readDoubleLE(16),
  };
  return isCount(reply.token) && isCount(reply.index) && isCount(reply.clockMs) ? reply : null;
}

/** `digest`: 32 bits of the state after the entry. */
export interface StateDigest {
  readonly index: number;
  readonly digest: number;
}

export function encodeDigest({ index, digest }: StateDigest): Buffer {
  const bytes = Buffer.allocUnsafe(12);
  bytes.writeDoubleLE(index, 0);
  bytes.writeInt32LE(digest, 8);
  return bytes;
}

export function decodeDigest(frame: Buffer): StateDigest | null {
  if (frame.length !== 12) return null;
  const index = frame.readDoubleLE(0);
  return isCount(index) ? { index, digest: frame.readInt32LE(8) } : null;
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
