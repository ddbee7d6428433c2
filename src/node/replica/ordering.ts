// How batches of writes get into the log: this node's own, to the leader; those of others, when it leads.

import type { Logger } from "../../logger.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import { bodyProblem, encodeProposal } from "../../state/execution/proposal.ts";
import type { Peers, Refusal } from "../frames.ts";
import {
  decodeForward,
  decodeRefusal,
  encodeForwardHeader,
  encodeRefusal,
  frameKind,
} from "../frames.ts";
import type { Evictor } from "./evictor.ts";
import { type Numbers, OrderedWrites } from "./ordered-writes.ts";
import type { WriteBatch } from "./pending-writes.ts";
import type { ReplicaLimits } from "./replica-limits.ts";

export interface OrderingOptions {
  readonly nodeId: NodeId;
  readonly incarnation: number;
  readonly driver: RaftDriver;
  readonly peers: Pick<Peers, "send">;
  /** As this node knows it. */
  readonly leader: () => NodeId | null;
  /** What the next entry is stamped with, in Unix ms; null: not known yet (`LogClock.stamp`). */
  readonly stampMs: () => number | null;
  readonly random: () => number;
  /** The highest applied number of one life of a node: `Origins.highest`. */
  readonly highestApplied: (origin: number, incarnation: number) => number;
  readonly evictor: Evictor;
  readonly logger: Logger;
  readonly limits: ReplicaLimits;
}

/** A peer with a refused batch. Batches that it sends behind that one are ignored. */
interface Refused {
  readonly incarnation: number;
  /** It was told with which number to go on. */
  isTold: boolean;
}

/**
 * The leader only orders: the node that took a write from its client answers it when it applies the entry itself.
 *
 * A peer whose batch cannot be ordered yet is told when it can be. Until then the peer waits, and nothing is sent
 * twice. One such refusal covers everything that the peer has sent meanwhile. When the refusal is lost, the peer asks
 * (`ask`).
 */
export class Ordering {
  readonly #options: OrderingOptions;
  readonly #ordered: OrderedWrites;
  readonly #refused = new Map<NodeId, Refused>();
  #refusedInTerm = 0;
  /** Of the last entry that is applied here. */
  #appliedTerm = 0;

  constructor(options: OrderingOptions) {
    this.#options = options;
    this.#ordered = new OrderedWrites(options.highestApplied);
  }

  // --- This node's own batches -----------------------------------------------------------------

  /** False: it has not left, and is to be tried again. */
  submit(batch: WriteBatch): boolean {
    const { nodeId, incarnation } = this.#options;
    const leader = this.#options.leader();
    if (leader === null) return false;
    if (leader !== nodeId) return this.#forward(leader, batch, batch.body);
    const { firstNumber, count } = batch;
    return this.#order(nodeId, { incarnation, firstNumber, count }, batch.body);
  }

  /** Asks a leader elsewhere whether it misses anything before this number: only then it answers. */
  ask(firstNumber: number): void {
    const leader = this.#options.leader();
    if (leader === null || leader === this.#options.nodeId) return;
    this.#forward(leader, { firstNumber, count: 0 }, null);
  }

  /** A frame of `frameKind.refused`: the number with which to go on; null when it says nothing to this node now. */
  refusedFrom(from: NodeId, frame: Buffer): number | null {
    const { driver, incarnation } = this.#options;
    const refusal = decodeRefusal(frame);
    if (refusal === null || from !== this.#options.leader()) return null;
    const isMeant = refusal.term === driver.core.term && refusal.incarnation === incarnation;
    return isMeant ? refusal.next : null;
  }

  #forward(
    to: NodeId,
    numbers: Pick<WriteBatch, "firstNumber" | "count">,
    body: Uint8Array | null,
  ): boolean {
    const { driver, peers, incarnation } = this.#options;
    const { firstNumber, count } = numbers;
    const header = encodeForwardHeader({
      term: driver.core.term,
      ...{ incarnation, firstNumber, count },
    });
    return peers.send(to, frameKind.forward, body === null ? [header] : [header, body]);
  }

  // --- Batches of peers ------------------------------------------------------------------------

  /**
   * A frame of `frameKind.forward`: its batch is ordered, or its sender is told later. A node that does not lead in
   * the sender's term stays silent: the sender will hear of another leader and send everything to that one.
   */
  orderForwarded(from: NodeId, frame: Buffer): void {
    const { driver, logger } = this.#options;
    const forward = decodeForward(frame);
    const problem =
      forward === null ? "no header" : bodyProblem(forward.body, forward.header.count);
    if (forward === null || problem !== null) {
      logger.warn({ from }, `dropped forwarded writes: ${problem}`);
      return;
    }
    const { header, body } = forward;
    const { term } = driver.core;
    if (!driver.isLeader || header.term !== term) return;
    const next = this.#ordered.next(term, from, header.incarnation);
    if (next === null) return;
    const isGap = header.firstNumber > next;
    const isQuestion = header.count === 0;
    if (isQuestion ? !isGap : isGap && this.#isRefused(term, from, header.incarnation)) return;
    if (isQuestion || !this.#order(from, header, body))
      this.#refuse(term, from, header.incarnation);
    else this.#refused.delete(from);
  }

  /** An entry of this term was applied here: so is everything that was committed before it. */
  applied(term: number): void {
    if (term === this.#appliedTerm) return;
    this.#appliedTerm = term;
    // What came right after the election had to wait for this, and the next tick may be far.
    this.tellRefused();
  }

  /** At every tick: peers that were refused go on, as soon as what they send can be ordered. */
  tellRefused(): void {
    if (this.#refused.size === 0) return;
    const { driver, peers } = this.#options;
    const { term } = driver.core;
    if (!driver.isLeader || term !== this.#refusedInTerm) {
      this.#refused.clear();
      return;
    }
    // Half of the room has to be free, so that the peer is not refused again after its first batches.
    const hasRoom = driver.core.uncommittedBytes <= this.#options.limits.uncommittedBytesMax / 2;
    const untold = [...this.#refused].filter(([, { isTold }]) => !isTold);
    if (untold.length === 0 || !hasRoom || this.#appliedTerm !== term) return;
    // Proposes nothing: null says that nothing can be proposed, because leadership is being handed over.
    if (driver.propose([]) === null || this.#options.stampMs() === null) return;
    for (const [peer, refused] of untold) {
      const { incarnation } = refused;
      const next = this.#ordered.next(term, peer, incarnation);
      if (next === null) continue;
      const refusal: Refusal = { term, incarnation, next };
      refused.isTold = peers.send(peer, frameKind.refused, [encodeRefusal(refusal)]);
    }
  }

  #isRefused(term: number, peer: NodeId, incarnation: number): boolean {
    return term === this.#refusedInTerm && this.#refused.get(peer)?.incarnation === incarnation;
  }

  #refuse(term: number, peer: NodeId, incarnation: number): void {
    if (term !== this.#refusedInTerm) this.#refused.clear();
    this.#refusedInTerm = term;
    this.#refused.set(peer, { incarnation, isTold: false });
  }

  /** True: it is in the log now, or was before. */
  #order(origin: NodeId, numbers: Numbers, body: Uint8Array): boolean {
    const { driver, stampMs, random, limits, evictor } = this.#options;
    const { term } = driver.core;
    const { incarnation, firstNumber, count } = numbers;
    const next = this.#ordered.next(term, origin, incarnation);
    if (next === null || firstNumber > next) return false;
    if (firstNumber + count <= next) return true;
    if (driver.core.uncommittedBytes >= limits.uncommittedBytesMax) return false;
    const timeMs = stampMs();
    if (timeMs === null) return false;
    const seed = Math.floor(random() * 0x1_0000_0000);
    const stamp = { timeMs, seed, origin, incarnation, firstNumber, count };
    const eviction = evictor.before(body.length, count);
    const evicting = evictor.entryOf(eviction, timeMs);
    const entry = encodeProposal(stamp, body);
    const ids = driver.propose(evicting === null ? [entry] : [evicting, entry]);
    if (ids === null) return false;
    evictor.ordered(ids, eviction, body.length, count);
    this.#ordered.ordered(term, origin, numbers);
    return true;
  }
}
