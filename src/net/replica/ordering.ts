// How batches of writes get into the log: this node's own, to the leader; those of others, when it leads.

import { uncommittedBytesMax } from "../../constants.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import { bodyProblem, encodeProposal } from "../../state/proposal.ts";
import type { Peers } from "../frames.ts";
import { decodeForward, encodeForwardHeader, frameKind } from "../frames.ts";
import type { Logger } from "../logger.ts";
import { ForwardedWrites } from "./forwarded-writes.ts";
import type { WriteBatch } from "./pending-writes.ts";

export interface OrderingOptions {
  readonly nodeId: NodeId;
  readonly incarnation: number;
  readonly driver: RaftDriver;
  readonly peers: Pick<Peers, "send">;
  /** As this node knows it. */
  readonly leader: () => NodeId | null;
  /** The wall clock, in Unix ms: what entries are stamped with. */
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly logger: Logger;
}

type Numbers = Pick<WriteBatch, "firstNumber" | "count"> & { readonly incarnation: number };

/** The leader only orders: whoever took a write from its client answers it from its own apply. */
export class Ordering {
  readonly #options: OrderingOptions;
  readonly #forwarded = new ForwardedWrites();

  constructor(options: OrderingOptions) {
    this.#options = options;
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
      driver.isLeader &&
      header.term === driver.core.term &&
      this.#forwarded.follows(from, header) &&
      this.#propose(from, header, body);
    if (taken) this.#forwarded.took(from, header);
    else peers.send(from, frameKind.refused, []);
  }

  /** Every origin begins anew with the new leader. */
  leaderChanged(): void {
    this.#forwarded.clear();
  }

  #propose(
    origin: NodeId,
    { incarnation, firstNumber, count }: Numbers,
    body: Uint8Array,
  ): boolean {
    const { driver, nowMs, random } = this.#options;
    if (driver.uncommittedBytes >= uncommittedBytesMax) return false;
    const seed = Math.floor(random() * 0x1_0000_0000);
    const stamp = { timeMs: nowMs(), seed, origin, incarnation, firstNumber, count };
    return driver.propose([encodeProposal(stamp, body)]) !== null;
  }
}
