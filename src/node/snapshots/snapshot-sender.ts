// The leader's side of a snapshot: a consistent view of its checkpoint, sent in acknowledged chunks.

import {
  snapshotChunkBytes,
  snapshotChunksMax,
  snapshotPatienceMs,
  snapshotRepeatMs,
} from "../../constants.ts";
import type { Logger } from "../../logger.ts";
import type { NodeId, Term } from "../../raft/core/types.ts";
import { recordsOf } from "../../state/checkpoint/meta.ts";
import type { CheckpointView } from "../../state/checkpoint/transfer.ts";
import { LifeNumbers } from "../life-numbers.ts";
import { Pace } from "./pace.ts";
import type { SnapshotFrame, SnapshotReply } from "./snapshot-frames.ts";

/** What the sender needs of its node. */
export interface SenderPorts {
  /** The newest checkpoint, unchanged as long as the view is open; null when there is none. */
  view(): Promise<CheckpointView | null>;
  /** False: dropped, the peer is not connected or its queue is full. */
  send(to: NodeId, frame: SnapshotFrame): boolean;
  /** The term this node leads in; null when it does not. */
  leads(): Term | null;
  /** This node's incarnation: answers to attempts of an earlier one must not be taken for answers to this one's. */
  readonly incarnation: number;
  /** Given up: consensus asks again when the member answers. */
  failed(to: NodeId): void;
  /** The disk refused to be read. */
  broken(error: Error): void;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

interface Transfer {
  readonly to: NodeId;
  readonly view: CheckpointView;
  /** Told with each offer, so that answers to an earlier one are not mistaken. */
  attempt: number;
  /** Those from here on are attempts of this transfer. */
  readonly firstAttempt: number;
  /** The last key that was read; null before the first. */
  after: Buffer | null;
  /** Chunks of this attempt that were sent, and that the receiver has. */
  sent: number;
  acknowledged: number;
  /** "offered": waits for the place to begin at. "ended": everything is sent. */
  state: "offered" | "sending" | "ended";
  isReading: boolean;
  /** Chunks are sent in bursts, and these are left of this one. */
  burst: number;
  readonly pace: Pace;
  records: number;
  offeredMs: number;
  heardMs: number;
}

/**
 * At most one transfer per member. A lost connection, or a lost answer, is a pause: the offer is made
 * again and the receiver says where to go on. When nothing is heard for a named time, it is given up.
 */
export class SnapshotSender {
  readonly #ports: SenderPorts;
  readonly #transfers = new Map<NodeId, Transfer>();
  /** Members whose view is being opened. */
  readonly #opening = new Set<NodeId>();
  readonly #attempts: LifeNumbers;

  constructor(ports: SenderPorts) {
    this.#ports = ports;
    this.#attempts = new LifeNumbers(ports.incarnation);
  }

  get isBusy(): boolean {
    return this.#transfers.size > 0;
  }

  /**
   * The lowest index of a checkpoint that is being sent: the log above it must not be cut. Infinity when none is
   * sent.
   */
  get oldestIndex(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const { view } of this.#transfers.values()) {
      oldest = Math.min(oldest, view.meta.appliedIndex);
    }
    return oldest;
  }

  /** In percent of the records; null when nothing is on its way to the member. */
  percent(to: NodeId): number | null {
    const transfer = this.#transfers.get(to);
    if (transfer === undefined) return null;
    const records = Math.max(1, recordsOf(transfer.view.meta));
    return Math.min(100, Math.floor((100 * transfer.records) / records));
  }

  /** Consensus has found that the member needs more than the log still has. */
  begin(to: NodeId): void {
    if (this.#transfers.has(to) || this.#opening.has(to)) return;
    this.#opening.add(to);
    this.#ports.view().then(
      (view) => {
        this.#opening.delete(to);
        if (view === null || this.#ports.leads() === null) this.#cannotBegin(to, view);
        else this.#open(to, view);
      },
      (error: Error) => this.#ports.broken(error),
    );
  }

  answered(from: NodeId, reply: SnapshotReply): void {
    const transfer = this.#transfers.get(from);
    if (transfer === undefined || reply.attempt < transfer.firstAttempt) return;
    // An answer to a former attempt is a sign of life: the newer offer waits behind a long step there.
    transfer.heardMs = this.#ports.nowMs();
    if (reply.attempt !== transfer.attempt) return;
    switch (reply.type) {
      case "take":
        this.#take(transfer, reply.after);
        return;
      case "ack":
        this.#acknowledged(transfer, reply.number);
        return;
      case "done":
        this.#ports.logger.info(`node ${from} has the snapshot`);
        this.#close(transfer);
        // Its acknowledgement came before this, or is lost: then consensus asks again.
        this.#ports.failed(from);
        return;
      case "stop":
        this.#giveUp(transfer, reply.reason);
        return;
    }
  }

  connected(peer: NodeId): void {
    const transfer = this.#transfers.get(peer);
    if (transfer !== undefined) this.#offer(transfer);
  }

  leaderChanged(): void {
    if (this.#ports.leads() !== null) return;
    for (const transfer of [...this.#transfers.values()]) {
      this.#ports.send(transfer.to, {
        type: "stop",
        attempt: transfer.attempt,
        reason: "this node does not lead any more",
      });
      this.#close(transfer);
    }
  }

  /** Called often, because a rest ends only with a tick. */
  tick(): void {
    const nowMs = this.#ports.nowMs();
    for (const transfer of [...this.#transfers.values()]) {
      const { heardMs, offeredMs } = transfer;
      if (nowMs - heardMs >= snapshotPatienceMs)
        this.#giveUp(transfer, `it did not answer for ${snapshotPatienceMs / 1000} s`);
      else if (nowMs - Math.max(heardMs, offeredMs) >= snapshotRepeatMs) this.#offer(transfer);
      else this.#pump(transfer);
    }
  }

  /** Gives the views back. */
  close(): void {
    for (const transfer of [...this.#transfers.values()]) this.#close(transfer);
  }

  #cannotBegin(to: NodeId, view: CheckpointView | null): void {
    if (view !== null) this.#release(view);
    this.#ports.failed(to);
  }

  #open(to: NodeId, view: CheckpointView): void {
    const { nowMs } = this.#ports;
    const attempt = this.#attempts.next();
    const transfer: Transfer = {
      ...{ to, view, attempt, firstAttempt: attempt, after: null },
      ...{ sent: 0, acknowledged: 0, state: "offered", isReading: false },
      ...{ burst: 0, pace: new Pace(nowMs), records: 0, offeredMs: nowMs(), heardMs: nowMs() },
    };
    this.#transfers.set(to, transfer);
    this.#ports.logger.info(
      `node ${to} needs entries that the log no longer has: it gets a snapshot of entry ${view.meta.appliedIndex}`,
    );
    this.#offer(transfer);
  }

  #offer(transfer: Transfer): void {
    transfer.attempt = this.#attempts.next();
    transfer.state = "offered";
    transfer.sent = 0;
    transfer.acknowledged = 0;
    transfer.burst = 0;
    transfer.offeredMs = this.#ports.nowMs();
    const { to, attempt, view } = transfer;
    this.#ports.send(to, { type: "offer", attempt, meta: view.metaBytes });
  }

  #take(transfer: Transfer, after: Buffer): void {
    if (transfer.state !== "offered") return;
    transfer.state = "sending";
    // A copy: the frame's memory is used again.
    transfer.after = after.length === 0 ? null : Buffer.from(after);
    this.#pump(transfer);
  }

  #acknowledged(transfer: Transfer, number: number): void {
    if (number > transfer.acknowledged) {
      transfer.acknowledged = number;
      if (transfer.burst === 0 && number >= transfer.sent) transfer.pace.rest();
    }
    this.#pump(transfer);
  }

  /** Reads and sends the rest of a burst, or begins the next one; each answer and tick comes back here. */
  #pump(transfer: Transfer): void {
    const { attempt, view, pace } = transfer;
    if (transfer.state !== "sending" || transfer.isReading || pace.isResting) return;
    if (transfer.burst === 0) {
      if (transfer.acknowledged < transfer.sent) return;
      transfer.burst = snapshotChunksMax;
      pace.begin();
    }
    transfer.isReading = true;
    view.read(transfer.after, snapshotChunkBytes).then(
      (part) => {
        transfer.isReading = false;
        if (this.#transfers.get(transfer.to) !== transfer) return;
        // Another attempt began while this was read: its own place counts.
        if (transfer.attempt !== attempt) this.#pump(transfer);
        else this.#send(transfer, part);
      },
      (error: Error) => {
        if (this.#transfers.get(transfer.to) === transfer) this.#ports.broken(error);
      },
    );
  }

  #send(transfer: Transfer, part: Awaited<ReturnType<CheckpointView["read"]>>): void {
    const { to, attempt } = transfer;
    if (part === null) {
      const term = this.#ports.leads();
      if (term === null) return;
      transfer.state = "ended";
      this.#ports.send(to, { type: "end", attempt, term });
      return;
    }
    const frame: SnapshotFrame = {
      type: "chunk",
      attempt,
      number: transfer.sent + 1,
      records: part.chunk,
    };
    if (!this.#ports.send(to, frame)) {
      // The connection is gone: the next one begins with a new offer.
      transfer.state = "offered";
      return;
    }
    transfer.sent++;
    transfer.burst--;
    transfer.after = part.last;
    transfer.records += part.records;
    this.#pump(transfer);
  }

  #giveUp(transfer: Transfer, reason: string): void {
    this.#ports.logger.warn(`gave up the snapshot for node ${transfer.to}: ${reason}`);
    this.#close(transfer);
    this.#ports.failed(transfer.to);
  }

  #close(transfer: Transfer): void {
    this.#transfers.delete(transfer.to);
    this.#release(transfer.view);
  }

  #release(view: CheckpointView): void {
    view.close().catch((error: Error) => this.#ports.broken(error));
  }
}
