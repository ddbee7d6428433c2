// Joins consensus and state: collects a turn's requests, orders them, applies entries, answers.

import type { Waiter } from "../../net/clients/waiter.ts";
import type { ReadyRead } from "../../raft/core/core.ts";
import type { Entry, LogIndex, NodeId, SnapshotPoint, Term } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { UncutRequest } from "../../resp/uncut-request.ts";
import type { ReadCommand } from "../../state/commands/spec.ts";
import type { Machine } from "../../state/execution/machine.ts";
import type { Arguments } from "../../state/parse/arguments.ts";
import type { AdminDesk } from "../members/admin-desk.ts";
import { adminErrors, removedLine } from "../members/admin-errors.ts";
import type { MembershipAdmin } from "../members/membership-admin.ts";
import type { NodeTime } from "../time/node-time.ts";
import { describeLoss } from "./log-lines.ts";
import type { ReplicaOptions } from "./replica-options.ts";
import { createParts, type ReplicaHost, type ReplicaParts } from "./replica-parts.ts";
import type { SettingsDesk } from "./settings-desk.ts";

/** A node says this often where it is. */
const announceMs = 500;

/**
 * One node of the cluster without its sockets and files: whoever owns it hands in frames and calls
 * `turn` and `tick`.
 */
export class Replica implements ReplicaHost {
  readonly #options: ReplicaOptions;
  readonly #parts: ReplicaParts;
  readonly #awaitingStillness: (() => void)[] = [];
  #isRetired = false;
  /** A turn is about to run, so nobody has to ask for one. */
  #takesUp = false;
  #nextAnnouncementMs = 0;

  constructor(options: ReplicaOptions) {
    const wake = (): void => {
      if (!this.#takesUp) options.wake();
    };
    this.#options = { ...options, wake };
    this.#parts = createParts(this.#options, this);
  }

  get driver(): RaftDriver {
    return this.#parts.driver;
  }
  get machine(): Machine {
    return this.#options.machine;
  }
  get admin(): AdminDesk {
    return this.#parts.admin;
  }
  get membership(): MembershipAdmin {
    return this.#parts.membership;
  }
  get time(): NodeTime {
    return this.#parts.time;
  }
  get settings(): SettingsDesk {
    return this.#parts.settings;
  }
  get leader(): NodeId | null {
    return this.#parts.path.leader;
  }
  get isRetired(): boolean {
    return this.#isRetired;
  }

  // --- Requests of this node's clients ---------------------------------------------------------

  write(waiter: Waiter, source: Buffer, start: number, end: number): void {
    this.#parts.writes.add(waiter, source, start, end);
    this.#options.wake();
  }

  /** `locally`: from the state as it is here, which may be old. */
  read(
    waiter: Waiter,
    command: ReadCommand,
    args: Arguments | UncutRequest,
    locally = false,
  ): void {
    this.#parts.reads.add(waiter, command, args, locally);
    this.#options.wake();
  }

  /** Too much waits: no more requests are read from sockets. A removed node reads them, to refuse them. */
  get isFull(): boolean {
    return !this.#isRetired && (this.#parts.writes.isFull || this.#parts.reads.isFull);
  }
  get pendingWriteBytes(): number {
    return this.#parts.writes.bytes;
  }
  get pendingWrites(): number {
    return this.#parts.writes.length;
  }

  // --- Turns -----------------------------------------------------------------------------------

  /** The steps of one turn: everything that arrived since the last one goes together. */
  turn(): void {
    this.#takesUp = !this.#isRetired;
    if (this.#isRetired) this.#refuseRequests();
    else {
      const waits = this.#sendRequests();
      this.#applyWhatIsLeft();
      this.#takesUp = false;
      if (waits) this.#options.wake();
      this.#parts.driver.turn(); // The disk, the peers, committed entries, confirmed reads.
      this.#runReads();
      this.#parts.time.expiry.goOn();
      this.#parts.addresses.follow();
    }
    this.#tellOfStillness();
    this.#options.turned(); // Each session with replies writes once.
  }

  #refuseRequests(): void {
    const { writes, reads } = this.#parts;
    writes.giveUp(adminErrors.removed);
    reads.refuse(adminErrors.removed);
    if (reads.run()) this.#options.wake();
  }

  /** What was collected becomes one batch of writes, and one question for a read index. True: some of it waits for more. */
  #sendRequests(): boolean {
    const { writes, reads, barrier, path } = this.#parts;
    const writesWait = path.maySend && writes.flush();
    const readsWait = reads.flush();
    barrier.flush();
    return writesWait || readsWait;
  }

  /** Entries that the last turn had no time for. */
  #applyWhatIsLeft(): void {
    const { applier, reads } = this.#parts;
    applier.beginTurn();
    if (!reads.isPaused) applier.run();
  }

  /** Reads that may run by now, or a slice of a long one. */
  #runReads(): void {
    const { applier, reads, writes, path } = this.#parts;
    const isLate = applier.isLate || applier.isBehind;
    const isLong = !this.machine.isApplying && reads.run();
    const maySend = path.maySend && writes.wantsFlush;
    if (isLate || isLong || maySend) this.#options.wake();
  }

  #tellOfStillness(): void {
    if (this.#isStill) for (const resolve of this.#awaitingStillness.splice(0)) resolve();
  }

  /** No read and no entry is half done, and no committed entry waits. */
  get #isStill(): boolean {
    return !this.#parts.reads.isPaused && !this.#parts.applier.isBehind;
  }

  /** Resolves when nothing is half done: until the event loop goes on, the state may be replaced. */
  whenStill(): Promise<void> {
    if (this.#isStill) return Promise.resolve();
    return new Promise((resolve) => this.#awaitingStillness.push(resolve));
  }

  // --- Time ------------------------------------------------------------------------------------

  /** So many times `tickMs` have passed: each counts, and one turn works on what they bring about. */
  tick(count = 1): void {
    this.#takesUp = true;
    for (let ticks = 0; ticks < count; ticks++) this.#tick();
    this.turn();
  }

  #tick(): void {
    const { admin, membership, driver, path, time } = this.#parts;
    const { settings, evictor, accesses } = this.#parts;
    admin.tick();
    // What it knows to be committed is still applied: the last writes of its clients are among it.
    if (membership.isRemoved && this.machine.appliedIndex >= driver.core.commit) this.#retire();
    else {
      driver.tick();
      // While something is half done, what is pending here is not lost: it only cannot be answered yet.
      path.tick(this.#isStill);
      time.tick();
      settings.tick();
      evictor.tick();
      accesses.tick();
      this.#announce();
    }
  }

  #announce(): void {
    const nowMs = this.#options.monotonicMs();
    if (nowMs < this.#nextAnnouncementMs) return;
    this.#nextAnnouncementMs = nowMs + announceMs;
    this.#parts.addresses.announce();
    this.#parts.settings.announce();
  }

  /**
   * Removed from the cluster: from now on this node neither votes nor hears anybody, and its clients
   * are told. It stays up for that, and because whoever restarts processes that end would restart it.
   */
  #retire(): void {
    if (this.#isRetired) return;
    this.#isRetired = true;
    this.#parts.path.end();
    this.#options.peers.setPeers(new Map());
    this.#options.logger.error(removedLine(this.#options.nodeId));
  }

  // --- Consumer of the driver ------------------------------------------------------------------

  get standsStill(): boolean {
    return !this.#isStill || this.#parts.applier.isLate;
  }

  committed(entries: readonly Entry[]): void {
    this.#parts.applier.take(entries);
  }

  install(point: SnapshotPoint, done: () => void): void {
    const { snapshots, nodeId, incarnation } = this.#options;
    const { writes, divergence } = this.#parts;
    snapshots.install(point, () => {
      // The state has passed some of this node's own writes, and nobody knows what they replied.
      writes.passed(this.machine.origins.highest(nodeId, incarnation));
      divergence.forget(nodeId);
      done();
      this.#options.wake();
    });
  }

  readReady({ id, index, patient }: ReadyRead): void {
    this.#parts.barrier.roundConfirmed(id, index, patient);
  }

  readLost(id: number): void {
    this.#parts.barrier.roundLost(id);
  }

  lost(upTo: LogIndex): void {
    this.#options.onFailure(new Error(describeLoss(upTo, this.driver.core.last.index)));
  }

  leaderChanged(leader: NodeId | null, term: Term): void {
    this.#parts.path.leaderChanged(leader, term);
    this.#parts.admin.leaderChanged();
    this.#options.snapshots.leaderChanged();
  }

  // --- Peers -----------------------------------------------------------------------------------

  connected(peer: NodeId): void {
    this.#parts.time.connected(peer);
    this.#parts.path.connectionChanged(peer);
  }

  /** `isGone`: nothing listens at its address any more, so there is no process to wait for. */
  disconnected(peer: NodeId, isGone: boolean): void {
    const { driver, barrier, path } = this.#parts;
    driver.unreachable(peer);
    barrier.forgetPeer(peer);
    if (isGone && peer === path.leader) driver.leaderGone(peer);
    path.connectionChanged(peer);
  }

  /** A member has told that this node is none any more. */
  removed(by: NodeId): void {
    this.#options.logger.debug(`node ${by} says that this node was removed`);
    this.membership.toldRemoved();
  }

  frame(from: NodeId, kind: number, body: Buffer): void {
    if (!this.#isRetired) this.#parts.frames.frame(from, kind, body);
  }
}
