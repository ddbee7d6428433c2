// Joins consensus and state: collects a turn's requests, orders them, applies entries, answers.

import { leaderWaitMs } from "../../constants.ts";
import type { Waiter } from "../../net/clients/waiter.ts";
import { decodeMessage, encodeMessage } from "../../raft/codec.ts";
import type { ReadyRead } from "../../raft/core/ready.ts";
import type {
  Entry,
  LogIndex,
  Message,
  NodeId,
  SnapshotPoint,
  Term,
} from "../../raft/core/types.ts";
import { RaftDriver } from "../../raft/driver.ts";
import type { Consumer } from "../../raft/ports.ts";
import type { Arguments } from "../../state/arguments.ts";
import type { ReadCommand } from "../../state/commands/spec.ts";
import type { Machine } from "../../state/machine.ts";
import { tickProposal } from "../../state/proposal.ts";
import {
  decodeReadIndex,
  decodeReadIndexReply,
  encodeDigest,
  encodeReadIndex,
  encodeReadIndexReply,
  frameKind,
} from "../frames.ts";
import { AddressBook } from "../members/address-book.ts";
import { AdminDesk } from "../members/admin-desk.ts";
import { adminErrors, removedLine } from "../members/admin-errors.ts";
import { MembershipAdmin } from "../members/membership-admin.ts";
import { tellOthers } from "../tell-others.ts";
import { NodeTime } from "../time/node-time.ts";
import { Applier } from "./applier.ts";
import { DivergenceCheck } from "./divergence.ts";
import { describeLeader, describeLoss } from "./log-lines.ts";
import { Ordering } from "./ordering.ts";
import { PendingReads } from "./pending-reads.ts";
import { PendingWrites } from "./pending-writes.ts";
import { ReadBarrier } from "./read-barrier.ts";
import { readerOf } from "./read-runner.ts";
import { defaultLimits } from "./replica-limits.ts";
import type { ReplicaOptions } from "./replica-options.ts";

/** Refused frames are sent again after this long. */
const retryMs = 20;
/** What is unanswered for one to two of these is asked again. */
const staleMs = 2_000;
/** A node says this often where it is. */
const announceMs = 500;

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
  readonly time: NodeTime;
  readonly #addresses: AddressBook;
  readonly #writes: PendingWrites;
  readonly #reads: PendingReads;
  readonly #barrier: ReadBarrier;
  readonly #ordering: Ordering;
  readonly #divergence: DivergenceCheck;
  readonly #applier: Applier;
  readonly #awaitingStillness: (() => void)[] = [];
  /** A turn is about to take up whatever there is, so nobody has to ask for one. */
  #takesUp = false;
  #retired = false;
  #leader: NodeId | null = null;
  #leaderlessSinceMs: number;
  #retryAtMs = 0;
  #nextStaleCheckMs = 0;
  #nextAnnouncementMs = 0;

  constructor(given: ReplicaOptions) {
    const wake = (): void => {
      if (!this.#takesUp) given.wake();
    };
    const options = { ...given, wake };
    this.#options = options;
    this.machine = options.machine;
    this.#leaderlessSinceMs = options.monotonicMs();
    const transport = {
      send: (message: Message) => this.#sendMessage(message),
      flush: () => options.peers.flush(),
      sendSnapshot: (to: NodeId) => options.snapshots.begin(to),
    };
    this.driver = new RaftDriver(options.core, {
      store: options.store,
      transport,
      consumer: this,
      wake: options.wake,
    });
    const { limits = defaultLimits, mayLead = () => true } = options;
    this.time = new NodeTime({ ...options, mayLead, driver: this.driver, wallMs: options.nowMs });
    this.#writes = new PendingWrites(options.nodeId, options.incarnation, {
      submit: (batch) => this.#ordering.submit(batch),
      answered: () => options.answered?.(),
      limits,
    });
    this.#barrier = this.#createBarrier();
    this.#applier = this.#createApplier();
    const reader = readerOf(options.machine, options.random);
    const sliceClockMs = options.sliceClockMs ?? options.monotonicMs;
    this.#reads = new PendingReads(reader, this.#barrier, sliceClockMs, limits);
    const { nodeId, incarnation, peers, random, logger } = options;
    this.#ordering = new Ordering({
      ...{ nodeId, incarnation, peers, random, logger, limits },
      stampMs: this.time.stamp,
      driver: this.driver,
      leader: () => this.#leader,
      highestApplied: (origin, life) => this.machine.origins.highest(origin, life),
    });
    this.#divergence = new DivergenceCheck(options.nodeId, {
      tell: (index, digest) => {
        tellOthers(this.driver, peers, frameKind.digest, encodeDigest({ index, digest }));
      },
      voters: () => this.driver.membership.members.filter(({ voter }) => voter).length,
      warn: (line) => options.logger.error(line),
    });
    this.membership = new MembershipAdmin(this.driver, options.clusterId);
    this.admin = new AdminDesk(options, this.membership, () => this.#leader);
    const { address, invited = new Map() } = options;
    this.#addresses = new AddressBook(this.driver, peers, address, invited);
  }

  // --- Requests of this node's clients ---------------------------------------------------------

  write(waiter: Waiter, source: Buffer, start: number, end: number): void {
    this.#writes.add(waiter, source, start, end);
    this.#options.wake();
  }

  /** `locally`: from the state as it is here, which may be old. */
  read(waiter: Waiter, command: ReadCommand, args: Arguments, locally = false): void {
    this.#reads.add(waiter, command, args, locally);
    this.#options.wake();
  }

  /** Too much waits: no more requests are taken from sockets. */
  get isFull(): boolean {
    return this.#writes.isFull || this.#reads.isFull;
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
    this.#takesUp = !this.#retired;
    if (this.#retired) {
      this.#writes.giveUp(adminErrors.removed);
      this.#reads.refuse(adminErrors.removed);
      if (this.#reads.run()) this.#options.wake();
    } else this.#work();
    if (this.#isStill) for (const resolve of this.#awaitingStillness.splice(0)) resolve();
    this.#options.turned(); //       6. one write per session.
  }

  #work(): void {
    const mayLeave =
      this.#leader !== null &&
      (this.#retryAtMs === 0 || this.#options.monotonicMs() >= this.#retryAtMs);
    this.#writes.flush(mayLeave); // 1. this turn's writes become one proposal,
    this.#reads.flush(); //          2. its reads share one barrier,
    this.#barrier.flush();
    this.#applier.beginTurn(); //    3. what is left of the last turn's entries,
    if (!this.#reads.isPaused) this.#applier.run();
    this.#takesUp = false;
    this.driver.turn(); //           4. consensus: disk, peers, applied entries, confirmed reads,
    const isLate = this.#applier.isLate || this.#applier.isBehind;
    const isLong = !this.machine.isApplying && this.#reads.run(); // 5. reads, or a slice of a long one,
    if (isLate || isLong) this.#options.wake();
    this.#addresses.follow();
  }

  /** No read and no entry is half done, and none of those that were taken waits. */
  get #isStill(): boolean {
    return !this.#reads.isPaused && !this.#applier.isBehind;
  }

  /** Every `tickMs`. */
  tick(): void {
    this.#takesUp = true;
    this.admin.tick();
    // What it knows to be committed is still applied: the last writes of its clients are among it.
    if (this.membership.isRemoved && this.machine.appliedIndex >= this.driver.core.commit) {
      this.#retire();
      return;
    }
    this.driver.tick();
    this.time.tick();
    const nowMs = this.#options.monotonicMs();
    if (this.#leader === null && nowMs - this.#leaderlessSinceMs >= leaderWaitMs) {
      this.#writes.giveUp();
      this.#reads.giveUp();
    }
    if (nowMs >= this.#nextAnnouncementMs) {
      this.#nextAnnouncementMs = nowMs + announceMs;
      this.#addresses.announce();
    }
    // While something is half done, what is pending here is not lost: it only cannot be answered yet.
    if (nowMs >= this.#nextStaleCheckMs && this.#isStill) {
      this.#nextStaleCheckMs = nowMs + staleMs;
      if (!this.driver.isLeader) this.#writes.sendStale();
      this.#barrier.askStale();
    }
    this.turn();
  }

  // --- Consumer of the driver ------------------------------------------------------------------

  get standsStill(): boolean {
    return !this.#isStill || this.#applier.isLate;
  }

  committed(entries: readonly Entry[]): void {
    this.#applier.take(entries);
  }

  #createApplier(): Applier {
    const { machine, monotonicMs, sliceClockMs, applied } = this.#options;
    return new Applier({
      machine,
      sink: this.#writes,
      clockMs: sliceClockMs ?? monotonicMs,
      whole: ({ index, term }) => {
        this.#divergence.applied(index, machine);
        this.membership.applied(index, term);
        this.#barrier.applied(index, term);
      },
      applied,
    });
  }

  install(point: SnapshotPoint, done: () => void): void {
    const { snapshots, nodeId, incarnation } = this.#options;
    snapshots.install(point, () => {
      // The state has passed some of this node's own writes, and nobody knows what they replied.
      this.#writes.overtaken(this.machine.origins.highest(nodeId, incarnation));
      this.#divergence.forget(nodeId);
      done();
      this.#options.wake();
    });
  }

  /** Resolves when nothing is half done: until the event loop goes on, the state may be replaced. */
  whenStill(): Promise<void> {
    if (this.#isStill) return Promise.resolve();
    return new Promise((resolve) => this.#awaitingStillness.push(resolve));
  }

  readReady({ id, index, patient }: ReadyRead): void {
    this.#barrier.roundConfirmed(id, index, patient);
  }

  readLost(id: number): void {
    this.#barrier.roundLost(id);
  }

  lost(upTo: LogIndex): void {
    this.#options.onFailure(new Error(describeLoss(upTo, this.driver.core.last.index)));
  }

  leaderChanged(leader: NodeId | null, term: Term): void {
    if (leader !== this.#leader) {
      this.#options.logger.info({ term }, describeLeader(leader, this.#options.nodeId));
      if (leader === null) this.#leaderlessSinceMs = this.#options.monotonicMs();
    }
    this.#leader = leader;
    this.admin.leaderChanged();
    this.#options.snapshots.leaderChanged();
    this.#sendAgain();
  }

  // --- Frames of peers -------------------------------------------------------------------------

  connected(peer: NodeId): void {
    this.time.connected(peer);
    if (peer === this.#leader) this.#sendAgain();
  }

  /** `isGone`: nothing listens at its address any more, so there is no process to wait for. */
  disconnected(peer: NodeId, isGone: boolean): void {
    this.driver.unreachable(peer);
    this.#barrier.forgetPeer(peer);
    if (isGone && peer === this.#leader) this.driver.leaderGone(peer);
    if (peer === this.#leader) this.#sendAgain();
  }

  /** A member has told that this node is none any more. */
  removed(by: NodeId): void {
    this.#options.logger.debug(`node ${by} says that this node was removed`);
    this.membership.toldRemoved();
  }

  /** A frame that says nothing we understand is dropped: it cannot come from a peer of our version. */
  frame(from: NodeId, kind: number, body: Buffer): void {
    if (this.#retired) return;
    const handle = this.#frameHandlers.get(kind);
    if (handle !== undefined) handle(from, body);
    else this.#options.logger.warn({ from, kind }, "dropped a frame of an unknown kind");
  }

  readonly #frameHandlers = new Map<number, (from: NodeId, body: Buffer) => void>([
    [frameKind.raft, (from, body) => this.#stepMessage(from, body)],
    [frameKind.append, (from, body) => this.#stepMessage(from, body)],
    [frameKind.forward, (from, body) => this.#ordering.takeForwarded(from, body)],
    [frameKind.refused, () => this.#retryLater()],
    [frameKind.readIndex, (from, body) => this.#answerReadIndex(from, body)],
    [frameKind.readIndexReply, (_, body) => this.#takeReadIndex(body)],
    [frameKind.admin, (from, body) => this.admin.asked(from, body)],
    [frameKind.adminReply, (_, body) => this.admin.answered(body)],
    [frameKind.address, (from, body) => this.#addresses.heard(from, body)],
    [frameKind.clock, (from, body) => this.time.heard(from, body)],
    [frameKind.digest, (from, body) => this.#divergence.frame(from, body)],
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

  // --- The way to the leader -------------------------------------------------------------------

  #sendAgain(): void {
    this.#writes.sendAgain();
    this.#barrier.askAgain();
    this.#options.wake();
  }

  #retryLater(): void {
    this.#retryAtMs = this.#options.monotonicMs() + retryMs;
    this.#writes.sendAgain();
  }

  /** A removed node takes no part any more: not even with what a write that was under way acknowledges. */
  #sendMessage(message: Message): void {
    if (this.#retired) return;
    const kind = message.type === "appendEntries" ? frameKind.append : frameKind.raft;
    this.#options.peers.send(message.to, kind, encodeMessage(message));
  }

  #createBarrier(): ReadBarrier {
    const { incarnation, peers, wake } = this.#options;
    const nowMs = this.time.now;
    return new ReadBarrier(
      incarnation,
      {
        readIndex: () => this.driver.readIndex(),
        leadsUpTo: () => {
          const { isLeader, hasHandedOver, core } = this.driver;
          return isLeader && !hasHandedOver ? core.commit : null;
        },
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
      this.#options.lease,
    );
  }

  /**
   * Removed from the cluster: from now on this node neither votes nor hears anybody, and its clients
   * are told. It stays up for that, and because whoever restarts processes that end would restart it.
   */
  #retire(): void {
    if (!this.#retired) {
      this.#retired = true;
      this.#leader = null;
      this.#options.peers.setPeers(new Map());
      this.#options.logger.error(removedLine(this.#options.nodeId));
    }
    this.turn();
  }
}
