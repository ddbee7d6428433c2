// The frames between nodes besides Raft's own messages: kinds, and the bytes of their bodies.

import { readU53, writeU53 } from "../bytes.ts";
import { bulkKindMin } from "../net/peers/piece.ts";
import type { NodeId } from "../raft/core/types.ts";

/** The network between nodes, as its users see it. */
export interface Peers {
  /** The peers to dial from now on, this node aside: id to host:port. */
  setPeers(peers: ReadonlyMap<NodeId, string>): void;
  /**
   * False: dropped. The kind says whether it is urgent or bulk (net/peers/piece.ts, `bulkKindMin`). The pieces' CRCs
   * cover the first `summedBytes`, all by default; the rest must carry checksums of its own.
   */
  send(to: NodeId, kind: number, body: readonly Uint8Array[], summedBytes?: number): boolean;
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
  /** Forwarded writes were not ordered: go on from the number that it names. */
  refused: 3,
  /** Asks the leader for a read index. */
  readIndex: 4,
  readIndexReply: 5,
  /** RAFT ADD, REMOVE, TRANSFER asked at a follower; JSON. */
  admin: 6,
  adminReply: 7,
  /** How much room the sender has on its disk and in memory: resources/room.ts. */
  room: 10,
  /** The sender's state after an entry, to be compared. */
  digest: 11,
  /** A member is at another address than the configuration says: address-book.ts. */
  address: 12,
  /** What the sender's wall clock says: time/node-time.ts. */
  clock: 13,
  /** How much memory the sender's machine or container has: settings-desk.ts. */
  memory: 14,
  /** AppendEntries, in the order in which the leader has sent them. */
  append: bulkKindMin,
  /** Writes for the leader to order. */
  forward: bulkKindMin + 1,
  /** A snapshot on its way: snapshots/snapshot-frames.ts. */
  snapshot: bulkKindMin + 2,
  /** Bulk, because it may name a key, and a key may be as long as a request. */
  snapshotReply: bulkKindMin + 3,
  /** Keys that were read at the sender: access-reports.ts. */
  accesses: bulkKindMin + 4,
} as const;

/** Heads a batch of writes on its way to the leader; the body is a proposal's (state/execution/proposal.ts). */
export interface ForwardHeader {
  /** The leader's term as the sender knows it: in another term the frame is ignored. */
  readonly term: number;
  readonly incarnation: number;
  readonly firstNumber: number;
  /**
   * With an empty body: the requests with these numbers are given up. 0: a question, whether anything is missing
   * before `firstNumber`.
   */
  readonly count: number;
}

const forwardHeaderBytes = 24;

export function encodeForwardHeader(header: ForwardHeader): Buffer {
  const bytes = Buffer.allocUnsafe(forwardHeaderBytes);
  writeU53(bytes, header.term, 0);
  bytes.writeUInt32LE(header.incarnation, 8);
  writeU53(bytes, header.firstNumber, 12);
  bytes.writeUInt32LE(header.count, 20);
  return bytes;
}

/** Null when the bytes are no such frame. */
export function decodeForward(frame: Buffer): { header: ForwardHeader; body: Buffer } | null {
  if (frame.length < forwardHeaderBytes) return null;
  const header = {
    term: readU53(frame, 0),
    incarnation: frame.readUInt32LE(8),
    firstNumber: readU53(frame, 12),
    count: frame.readUInt32LE(20),
  };
  const end = header.firstNumber + header.count;
  if (header.term < 0 || header.firstNumber < 1 || !Number.isSafeInteger(end)) return null;
  return { header, body: frame.subarray(forwardHeaderBytes) };
}

/** The leader of `term` has everything of this life of the receiver below `next`, and goes on from there. */
export interface Refusal {
  readonly term: number;
  readonly incarnation: number;
  readonly next: number;
}

const refusalBytes = 20;

export function encodeRefusal(refusal: Refusal): Buffer {
  const bytes = Buffer.allocUnsafe(refusalBytes);
  writeU53(bytes, refusal.term, 0);
  bytes.writeUInt32LE(refusal.incarnation, 8);
  writeU53(bytes, refusal.next, 12);
  return bytes;
}

export function decodeRefusal(frame: Buffer): Refusal | null {
  if (frame.length !== refusalBytes) return null;
  const refusal = {
    term: readU53(frame, 0),
    incarnation: frame.readUInt32LE(8),
    next: readU53(frame, 12),
  };
  return refusal.term >= 0 && refusal.next >= 1 ? refusal : null;
}

/** `token` is the asking node's own counter; `tick` asks for a committed log time first. */
export interface ReadIndexRequest {
  readonly token: number;
  readonly tick: boolean;
}

export function encodeReadIndex(request: ReadIndexRequest): Buffer {
  const bytes = Buffer.allocUnsafe(9);
  writeU53(bytes, request.token, 0);
  bytes.writeUInt8(request.tick ? 1 : 0, 8);
  return bytes;
}

export function decodeReadIndex(frame: Buffer): ReadIndexRequest | null {
  if (frame.length !== 9) return null;
  const token = readU53(frame, 0);
  return token >= 0 ? { token, tick: frame.readUInt8(8) === 1 } : null;
}

/** What the leader confirms: read at or after `index`; `clockMs` is the leader's log clock. */
export interface ReadIndexReply {
  readonly token: number;
  readonly index: number;
  readonly clockMs: number;
}

export function encodeReadIndexReply(reply: ReadIndexReply): Buffer {
  const bytes = Buffer.allocUnsafe(24);
  writeU53(bytes, reply.token, 0);
  writeU53(bytes, reply.index, 8);
  writeU53(bytes, reply.clockMs, 16);
  return bytes;
}

export function decodeReadIndexReply(frame: Buffer): ReadIndexReply | null {
  if (frame.length !== 24) return null;
  const reply = {
    token: readU53(frame, 0),
    index: readU53(frame, 8),
    clockMs: readU53(frame, 16),
  };
  return reply.token >= 0 && reply.index >= 0 && reply.clockMs >= 0 ? reply : null;
}

/** `digest`: 32 bits of the state after the entry. */
export interface StateDigest {
  readonly index: number;
  readonly digest: number;
}

export function encodeDigest({ index, digest }: StateDigest): Buffer {
  const bytes = Buffer.allocUnsafe(12);
  writeU53(bytes, index, 0);
  bytes.writeInt32LE(digest, 8);
  return bytes;
}

export function decodeDigest(frame: Buffer): StateDigest | null {
  if (frame.length !== 12) return null;
  const index = readU53(frame, 0);
  return index >= 0 ? { index, digest: frame.readInt32LE(8) } : null;
}
