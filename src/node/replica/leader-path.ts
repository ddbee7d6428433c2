// The way of requests to whoever leads: what is sent again, what is asked about, and when waiting ends.

import { leaderWaitMs, tickMs } from "../../constants.ts";
import type { Logger } from "../../logger.ts";
import type { NodeId, Term } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import { errors } from "../../resp/errors.ts";
import { describeLeader } from "./log-lines.ts";
import type { Ordering } from "./ordering.ts";
import type { PendingReads } from "./pending-reads.ts";
import type { PendingWrites } from "./pending-writes.ts";
import type { ReadBarrier } from "./read-barrier.ts";

/** A request that is unanswered for one to two of these periods is asked about, because a frame may have been lost. */
const staleMs = 2_000;

export interface LeaderPathOptions {
  readonly nodeId: NodeId;
  readonly driver: { readonly core: Pick<RaftDriver["core"], "savingTicks"> };
  readonly logger: Logger;
  /** For waiting: nobody sets this clock. */
  readonly monotonicMs: () => number;
  readonly wake: () => void;
  readonly writes: PendingWrites;
  readonly reads: PendingReads;
  readonly barrier: ReadBarrier;
  readonly ordering: Ordering;
}

export class LeaderPath {
  readonly #options: LeaderPathOptions;
  #leader: NodeId | null = null;
  #leaderlessSinceMs: number;
  #nextStaleCheckMs = 0;
  /**
   * The save in flight has taken so long that requests no longer wait for it. Entries are applied here only when they
   * are on this node's disk, so this node can answer nothing; other nodes serve.
   */
  #diskHangs = false;

  constructor(options: LeaderPathOptions) {
    this.#options = options;
    this.#leaderlessSinceMs = options.monotonicMs();
  }

  /** As this node knows it. */
  get leader(): NodeId | null {
    return this.#leader;
  }

  /** Whether writes may leave: there is a leader that orders them, and this node could answer them. */
  get maySend(): boolean {
    return this.#leader !== null && !this.#diskHangs;
  }

  /** Leader or term changed: what the former one was sent may be lost. */
  leaderChanged(leader: NodeId | null, term: Term): void {
    const { logger, nodeId, monotonicMs } = this.#options;
    if (leader !== this.#leader) {
      logger.info({ term }, describeLeader(leader, nodeId));
      if (leader === null) this.#leaderlessSinceMs = monotonicMs();
    }
    this.#leader = leader;
    this.#sendAgain();
  }

  /** The connection to a node begins or has ended: what was sent on the last one may be lost. */
  connectionChanged(peer: NodeId): void {
    if (peer === this.#leader) this.#sendAgain();
  }

  /** A frame of `frameKind.refused`: the leader has not ordered what it was sent from a number on. */
  refused(from: NodeId, frame: Buffer): void {
    const { ordering, writes, wake } = this.#options;
    const number = ordering.refusedFrom(from, frame);
    if (number === null) return;
    writes.goOnFrom(number);
    wake();
  }

  /**
   * Called every `tickMs`. `isStill`: no read and no entry is half done here, so a request that is pending waits for
   * other nodes.
   */
  tick(isStill: boolean): void {
    const { monotonicMs, reads, writes, ordering } = this.#options;
    const nowMs = monotonicMs();
    ordering.tellRefused();
    this.#lookAtDisk();
    const isLeaderless = this.#leader === null && nowMs - this.#leaderlessSinceMs >= leaderWaitMs;
    if (this.#diskHangs || isLeaderless) {
      const refusal = this.#diskHangs ? errors.diskHangs : errors.clusterDown;
      writes.giveUp(refusal);
      reads.giveUp(refusal);
    }
    if (nowMs < this.#nextStaleCheckMs || !isStill) return;
    this.#nextStaleCheckMs = nowMs + staleMs;
    this.#askAboutStale();
  }

  /** This node is no member any more. */
  end(): void {
    this.#leader = null;
  }

  #lookAtDisk(): void {
    const { driver, logger } = this.#options;
    const hangs = driver.core.savingTicks * tickMs >= leaderWaitMs;
    if (hangs === this.#diskHangs) return;
    this.#diskHangs = hangs;
    if (hangs)
      logger.error("the disk does not answer: clients of this node get errors until it does");
    else logger.info("the disk answers again");
  }

  #askAboutStale(): void {
    const { writes, barrier, ordering } = this.#options;
    const number = writes.staleFrom();
    if (number !== null) ordering.ask(number);
    barrier.askStale();
  }

  #sendAgain(): void {
    this.#options.writes.sendAgain();
    this.#options.barrier.askAgain();
    this.#options.wake();
  }
}
