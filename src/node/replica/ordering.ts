// How batches of writes get into the log: this node's own, to the leader; those of others, when it leads.

import type { Logger } from "../../logger.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import { bodyProblem, encodeProposal } from "../../state/proposal.ts";
import type { Peers } from "../frames.ts";
import { decodeForward, encodeForwardHeader, frameKind } from "../frames.ts";
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
  readonly logger: Logger;
  readonly limits: ReplicaLimits;
}

/** The leader only orders: whoever took a write from its client answers it from its own apply. */
export class Ordering {
  readonly #options: OrderingOptions;
  readonly #ordered: OrderedWrites;

  constructor(options: OrderingOptions) {
    this.#options = options;
    this.#ordered = new OrderedWrites(options.highestApplied);
  }

  /** False: not taken now, and to be tried again. */
  submit({ firstNumber, count, body }: WriteBatch): boolean {
    const { nodeId, incarnation, driver, peers } = this.#options;
    const leader = this.#options.leader();
    if (leader === nodeId) return this.#propose(nodeId, { incarnation, firstNumber, count }, body);
    if (leader === null) return false;
    const { term } = driver.core;
    const header = encodeForwardHeader({ term, incarnation, firstNumber, count });
    return peers.send(leader, frameKind.forward, [header, body]);
  }

  /** A frame of `frameKind.forward`: taken as a whole, or refused so that it comes again. */
  takeForwarded(from: NodeId, frame: Buffer): void {
    const { driver, peers, logger } = this.#options;
    const forward = decodeForward(frame);
    const problem =
      forward === null ? "no header" : bodyProblem(forward.body, forward.header.count);
    if (forward === null || problem !== null) {
      logger.warn({ from }, `dropped forwarded writes: ${problem}`);
      return;
    }
    const { header, body } = forward;
    const taken =
      driver.isLeader && header.term === driver.core.term && this.#propose(from, header, body);
    if (!taken) peers.send(from, frameKind.refused, []);
  }

  #propose(origin: NodeId, numbers: Numbers, body: Uint8Array): boolean {
    const { driver, stampMs, random } = this.#options;
    const { term } = driver.core;
    if (driver.uncommittedBytes >= this.#options.limits.uncommittedBytesMax) return false;
    if (!this.#ordered.follows(term, origin, numbers)) return false;
    const timeMs = stampMs();
    if (timeMs === null) return false;
    const { incarnation, firstNumber, count } = numbers;
    const seed = Math.floor(random() * 0x1_0000_0000);
    const stamp = { timeMs, seed, origin, incarnation, firstNumber, count };
    if (driver.propose([encodeProposal(stamp, body)]) === null) return false;
    this.#ordered.ordered(term, origin, numbers);
    return true;
  }
}
