// The leader's side of a snapshot: a consistent view of its checkpoint, sent in acknowledged chunks.

import { snapshotChunkBytes, snapshotChunksMax, snapshotPatienceMs } from "../../constants.ts";
import type { NodeId, Term } from "../../raft/core/types.ts";
import type { CheckpointView } from "../../state/checkpoint-transfer.ts";
import type { Logger } from "../logger.ts";
import type { SnapshotFrame, SnapshotReply } from "./snapshot-frames.ts";

/** What the sender needs of its node. */
export interface SenderPorts {
  /** The newest checkpoint, unchanged as long as the view is open; null when there is none. */
  view(): Promise<CheckpointView | null>;
  /** False: dropped, the peer is not connected or its queue is full. */
  send(to: NodeId, frame: SnapshotFrame): boolean;
  /** The term this node leads in; null when it does not. */
  leads(): Term | null;
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
  /** The last key that was read; null before the first. */
  after: Buffer | null;
  /** Chunks of this attempt that were sent, and that the receiver has. */
  sent: number;
  acknowledged: number;
  /** "offered": waits for the place to begin at. "ended": everything is sent. */
  state: "offered" | "sending" | "ended";
  isReading: boolean;
  records: number;
  progressMs: number;
}

/**
 * At most one transfer per member. A lost connection is a pause: the offer is made again and the
 * receiver says where to go on. Without any progress for a named time the transfer is given up.
 */
export class SnapshotSender {
  readonly #ports: SenderPorts;
  readonly #transfers = new Map<NodeId, Transfer>();
  /** Members whose view is being opened. */
  readonly #opening = new Set<NodeId>();
  #attempts = 0;

  constructor(ports: SenderPorts) {
    this.#ports = ports;
  }

  /** The log has to go on behind these checkpoints: nothing above is cut. Infinity when there is none. */
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
    const keys = transfer.view.meta.databases.reduce((sum, database) => sum + database.keys, 0);
    return Math.min(100, Math.floor((100 * transfer.records) / Math.max(1, keys)));
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
    if (transfer === undefined || transfer.attempt !== reply.attempt) return;
    transfer.progressMs = this.#ports.nowMs();
    switch (reply.type) {
      case "take":
        this.#take(transfer, reply.after);
        return;
      case "ack":
        transfer.acknowledged = Math.max(transfer.acknowledged, reply.number);
        this.#pump(transfer);
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

  /** Now and then. */
  tick(): void {
    const nowMs = this.#ports.nowMs();
    for (const transfer of [...this.#transfers.values()]) {
      if (nowMs - transfer.progressMs < snapshotPatienceMs) continue;
      this.#giveUp(transfer, `it did not answer for ${snapshotPatienceMs / 1000} s`);
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
    const transfer: Transfer = {
      ...{ to, view, attempt: 0, after: null, sent: 0, acknowledged: 0 },
      ...{ state: "offered", isReading: false, records: 0, progressMs: this.#ports.nowMs() },
    };
    this.#transfers.set(to, transfer);
    this.#ports.logger.info(
      `node ${to} needs entries that the log no longer has: it gets a snapshot of entry ${view.meta.appliedIndex}`,
    );
    this.#offer(transfer);
  }

  #offer(transfer: Transfer): void {
    transfer.attempt = ++this.#attempts;
    transfer.state = "offered";
    transfer.sent = 0;
    transfer.acknowledged = 0;
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

  /** Reads and sends as long as few enough chunks are on their way; each answer comes back here. */
  #pump(transfer: Transfer): void {
    const { attempt, view } = transfer;
    if (transfer.state !== "sending" || transfer.isReading) return;
    if (transfer.sent - transfer.acknowledged >= snapshotChunksMax) return;
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
    // Not sent: the connection is gone, and the next one begins with a new offer.
    if (!this.#ports.send(to, frame)) return;
    transfer.sent++;
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
