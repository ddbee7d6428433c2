// Joins consensus and state: collects a turn's requests, orders them, applies entries, answers.

import { expireTickMs, leaderWaitMs, uncommittedBytesMax } from "../constants.ts";
import { decodeMessage, encodeMessage } from "../raft/codec.ts";
import type { RaftCore } from "../raft/core/ready.ts";
import type { Entry, LogIndex, Membership, Message, NodeId, Term } from "../raft/core/types.ts";
import { RaftDriver } from "../raft/driver.ts";
import type { Consumer, LogStore } from "../raft/ports.ts";
import type { Reply } from "../resp/reply.ts";
import type { Arguments } from "../state/arguments.ts";
import type { ReadCommand } from "../state/commands/spec.ts";
import type { Machine } from "../state/machine.ts";
import { bodyProblem, encodeProposal, tickProposal } from "../state/proposal.ts";
import { AdminDesk } from "./admin-desk.ts";
import { ForwardedWrites } from "./forwarded-writes.ts";
import {
  decodeForward,
  decodeReadIndex,
  decodeReadIndexReply,
  encodeForwardHeader,
  encodeReadIndex,
  encodeReadIndexReply,
  frameKind,
} from "./frames.ts";
import type { Logger } from "./logger.ts";
import { decodeAddress } from "./member-address.ts";
import { MembershipAdmin } from "./membership-admin.ts";
import { PendingReads } from "./pending-reads.ts";
import { PendingWrites, type Waiter, type WriteBatch } from "./pending-writes.ts";
import { ReadBarrier } from "./read-barrier.ts";

/** The network between nodes, as far as a replica needs it. */
export interface Peers {
  setPeers(peers: ReadonlyMap<NodeId, string>): void;
  /** False: dropped. */
  send(to: NodeId, kind: number, body: readonly Uint8Array[]): boolean;
}

export interface ReplicaOptions {
  readonly clusterId: string;
  readonly nodeId: NodeId;
  readonly incarnation: number;
  readonly core: RaftCore;
  readonly store: LogStore;
  readonly machine: Machine;
  readonly peers: Peers;
  readonly logger: Logger;
  readonly nowMs: () => number;
  readonly random: () => number;
  /** Asks for `turn` at the end of this turn of the event loop. */
  readonly wake: () => void;
  /** After each turn: replies are ready to be written. */
  readonly turned: () => void;
  /** Bytes of entries that were just applied: time for a checkpoint, perhaps. */
  readonly applied: (bytes: number) => void;
}

/** Refused frames are sent again after this long. */
const retryMs = 20;
/** What is unanswered for one to two of these is asked again. */
const staleMs = 2_000;

/**
 * One node of the cluster without its sockets and files: whoever owns it hands in frames and calls
 * `turn` and `tick`.
 */
export class Replica implements Consumer {
  readonly #options: ReplicaOptions;
  readonly driver: RaftDriver;
  readonly machine: Machine;
  readonly admin: AdminDesk;
  readonly membership: MembershipAdmin;
  readonly #writes: PendingWrites;
  readonly #reads: PendingReads;
  readonly #barrier: ReadBarrier;
  readonly #forwarded: ForwardedWrites;
  #members: Membership | null = null;
  #leader: NodeId | null = null;
  #leaderlessSinceMs: number;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  activeExpiry = true;
  #retryAtMs = 0;
  #nextExpiryTickMs = 0;
  #nextStaleCheckMs = 0;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    this.machine = options.machine;
    this.#leaderlessSinceMs = options.nowMs();
    const transport = { send: (message: Message) => this.#sendMessage(message) };
    this.driver = new RaftDriver(options.core, {
      store: options.store,
      transport,
      consumer: this,
      wake: options.wake,
    });
    this.#writes = new PendingWrites(options.nodeId, options.incarnation, (batch) =>
      this.#submit(batch),
    );
    this.#barrier = this.#createBarrier();
    const reader = {
      machine: options.machine,
      get appliedIndex(): number {
        return this.machine.appliedIndex;
      },
      get metDue(): boolean {
        return this.machine.metDue;
      },
      read: (command: ReadCommand, database: number, args: Arguments, clockMs: number): Reply =>
        options.machine.read(command, database, args, clockMs, options.random),
    };
    this.#reads = new PendingReads(reader, this.#barrier);
    this.#forwarded = new ForwardedWrites();
    this.membership = new MembershipAdmin(this.driver, options.clusterId);
    this.admin = new AdminDesk(options.peers, this.membership, () => this.#leaderForAdmin());
  }

  // --- Requests of this node's clients ---------------------------------------------------------

  write(waiter: Waiter, source: Buffer, start: number, end: number): void {
    this.#writes.add(waiter, source, start, end);
    this.#options.wake();
  }

  read(waiter: Waiter, command: ReadCommand, args: Arguments): void {
    this.#reads.add(waiter, command, args);
    this.#options.wake();
  }

  /** Too much waits: no more requests are taken from sockets. */
  get isFull(): boolean {
    return this.#writes.isFull;
  }
  get pendingWrites(): number {
    return this.#writes.length;
  }
  get leader(): NodeId | null {
    return this.#leader;
  }

  // --- Time ------------------------------------------------------------------------------------

  /** The steps of one turn: everything that arrived since the last one goes together. */
  turn(): void {
    const mayLeave = this.#leader !== null && this.#options.nowMs() >= this.#retryAtMs;
    this.#writes.flush(mayLeave); // 1. this turn's writes become one proposal,
    this.#reads.flush(); //          2. its reads share one barrier,
    this.#barrier.flush();
    this.driver.turn(); //           3. consensus: disk, peers, applied entries, confirmed reads,
    this.#followMembership();
    this.#options.turned(); //       4. one write per session.
  }

  /** Every `tickMs`. */
  tick(): void {
    this.driver.tick();
    const nowMs = this.#options.nowMs();
    if (this.#leader === null && nowMs - this.#leaderlessSinceMs >= leaderWaitMs) {
      this.#writes.giveUp();
      this.#reads.giveUp();
    }
    if (nowMs >= this.#nextExpiryTickMs) {
      this.#nextExpiryTickMs = nowMs + expireTickMs;
      this.#tickForExpiry(nowMs);
      this.membership.promoteLearners();
    }
    if (nowMs >= this.#nextStaleCheckMs) {
      this.#nextStaleCheckMs = nowMs + staleMs;
      if (!this.driver.isLeader) this.#writes.sendStale();
      this.#barrier.askStale();
    }
    this.turn();
  }

  // --- Consumer of the driver ------------------------------------------------------------------

  committed(entries: readonly Entry[]): void {
    let bytes = 0;
    for (const entry of entries) {
      if (entry.kind === "data") this.machine.apply(entry, this.#writes);
      else this.machine.pass(entry.index);
      this.membership.applied(entry.index, entry.term);
      this.#barrier.applied(entry.index, entry.term);
      bytes += entry.data.length;
    }
    this.#reads.applied();
    this.#options.applied(bytes);
  }

  readReady(id: number, index: LogIndex): void {
    this.#barrier.roundConfirmed(id, index);
  }

  readLost(id: number): void {
    this.#barrier.roundLost(id);
  }

  leaderChanged(leader: NodeId | null, term: Term): void {
    if (leader !== this.#leader) {
      this.#options.logger.info({ term }, describeLeader(leader, this.#options.nodeId));
      if (leader === null) this.#leaderlessSinceMs = this.#options.nowMs();
    }
    this.#leader = leader;
    this.#forwarded.clear();
    this.admin.leaderChanged();
    this.#sendAgain();
  }

  // --- Frames of peers -------------------------------------------------------------------------

  connected(peer: NodeId): void {
    if (peer === this.#leader) this.#sendAgain();
  }

  disconnected(peer: NodeId): void {
    this.driver.unreachable(peer);
    if (peer === this.#leader) this.#sendAgain();
  }

  /** A frame that says nothing we understand is dropped: it cannot come from a peer of our version. */
  frame(from: NodeId, kind: number, body: Buffer): void {
    const handle = this.#frameHandlers.get(kind);
    if (handle !== undefined) handle(from, body);
    else this.#options.logger.warn({ from, kind }, "dropped a frame of an unknown kind");
  }

  readonly #frameHandlers = new Map<number, (from: NodeId, body: Buffer) => void>([
    [frameKind.raft, (from, body) => this.#stepMessage(from, body)],
    [frameKind.forward, (from, body) => this.#takeForwarded(from, body)],
    [frameKind.refused, () => this.#retryLater()],
    [frameKind.readIndex, (from, body) => this.#answerReadIndex(from, body)],
    [frameKind.readIndexReply, (_, body) => this.#takeReadIndex(body)],
    [frameKind.admin, (from, body) => this.admin.asked(from, body)],
    [frameKind.adminReply, (_, body) => this.admin.answered(body)],
  ]);

  #answerReadIndex(from: NodeId, body: Buffer): void {
    const asked = decodeReadIndex(body);
    if (asked !== null) this.#barrier.askedByPeer(from, asked.token, asked.tick);
  }

  #takeReadIndex(body: Buffer): void {
    const reply = decodeReadIndexReply(body);
    if (reply === null) return;
    this.#barrier.answeredByLeader(reply.token, reply.index, reply.clockMs);
    this.#options.wake();
  }

  #stepMessage(from: NodeId, body: Buffer): void {
    const message = decodeMessage(body);
    if (typeof message === "string") {
      this.#options.logger.warn({ from }, `dropped a message: ${message}`);
    } else if (message.from === from && message.to === this.#options.nodeId) {
      this.driver.step(message);
    }
  }

  #takeForwarded(from: NodeId, frame: Buffer): void {
    const forward = decodeForward(frame);
    const problem =
      forward === null ? "no header" : bodyProblem(forward.body, forward.header.count);
    if (forward === null || problem !== null) {
      this.#options.logger.warn({ from }, `dropped forwarded writes: ${problem}`);
      return;
    }
    const { header, body } = forward;
    const { term } = this.driver.core;
    const taken =
      this.driver.isLeader &&
      header.term === term &&
      this.driver.uncommittedBytes < uncommittedBytesMax &&
      this.#forwarded.follows(from, header) &&
      this.driver.propose([this.#proposal(from, header, body)]) !== null;
    if (taken) this.#forwarded.took(from, header);
    else this.#options.peers.send(from, frameKind.refused, []);
  }

  // --- The way to the leader -------------------------------------------------------------------

  #submit(batch: WriteBatch): boolean {
    const { nodeId, incarnation, peers } = this.#options;
    const { firstNumber, count, body } = batch;
    if (this.#leader === nodeId) {
      if (this.driver.uncommittedBytes >= uncommittedBytesMax) return false;
      const header = { incarnation, firstNumber, count };
      return this.driver.propose([this.#proposal(nodeId, header, body)]) !== null;
    }
    if (this.#leader === null) return false;
    const { term } = this.driver.core;
    const header = encodeForwardHeader({ term, incarnation, firstNumber, count });
    return peers.send(this.#leader, frameKind.forward, [header, body]);
  }

  #proposal(
    origin: NodeId,
    header: { incarnation: number; firstNumber: number; count: number },
    body: Uint8Array,
  ): Uint8Array {
    return encodeProposal(
      {
        timeMs: this.#options.nowMs(),
        seed: Math.floor(this.#options.random() * 0x1_0000_0000),
        origin,
        incarnation: header.incarnation,
        firstNumber: header.firstNumber,
        count: header.count,
      },
      body,
    );
  }

  #sendAgain(): void {
    this.#writes.sendAgain();
    this.#barrier.askAgain();
    this.#options.wake();
  }

  #retryLater(): void {
    this.#retryAtMs = this.#options.nowMs() + retryMs;
    this.#writes.sendAgain();
  }

  #sendMessage(message: Message): void {
    this.#options.peers.send(message.to, frameKind.raft, encodeMessage(message));
  }

  #createBarrier(): ReadBarrier {
    const { nowMs, peers, wake } = this.#options;
    return new ReadBarrier(
      {
        readIndex: () => this.driver.readIndex(),
        proposeTick: () => this.driver.propose([tickProposal(nowMs())])?.[0] ?? null,
        askLeader: (token, tick) =>
          this.#leader !== null &&
          this.#leader !== this.#options.nodeId &&
          peers.send(this.#leader, frameKind.readIndex, [encodeReadIndex({ token, tick })]),
        answerPeer: (peer, token, index) => {
          const reply = encodeReadIndexReply({ token, index, clockMs: nowMs() });
          peers.send(peer as NodeId, frameKind.readIndexReply, [reply]);
        },
        nowMs,
        wake,
      },
      { confirmed: (token, index, clockMs) => this.#reads.confirmed(token, index, clockMs) },
    );
  }

  /** Keys are due by the leader's clock and no write comes along: a tick moves log time on. */
  #tickForExpiry(nowMs: number): void {
    if (!this.driver.isLeader || !this.activeExpiry) return;
    const dueAtMs = this.machine.nextDueAt();
    if (dueAtMs !== undefined && dueAtMs <= nowMs) this.driver.propose([tickProposal(nowMs)]);
  }

  #followMembership(): void {
    const { membership } = this.driver;
    if (membership === this.#members || membership.members.length === 0) return;
    this.#members = membership;
    const peers = new Map<NodeId, string>();
    for (const { id, address } of membership.members) {
      if (id !== this.#options.nodeId) peers.set(id, decodeAddress(address).peer);
    }
    this.#options.peers.setPeers(peers);
  }

  #leaderForAdmin(): NodeId | "self" | null {
    return this.#leader === this.#options.nodeId ? "self" : this.#leader;
  }
}

function describeLeader(leader: NodeId | null, self: NodeId): string {
  if (leader === null) return "no leader";
  return leader === self ? "this node leads" : `node ${leader} leads`;
}
