// The other side of a snapshot: stages what the leader sends, proves it, and hands it to consensus.

import { assert } from "../../assert.ts";
import {
  snapshotFramesWaitingMax,
  snapshotKeepAliveMs,
  snapshotLoadBurstMs,
} from "../../constants.ts";
import type { Logger } from "../../logger.ts";
import type { InstallSnapshot, NodeId, SnapshotPoint } from "../../raft/core/types.ts";
import { asTerm } from "../../raft/core/types.ts";
import { type CheckpointMeta, decodeMeta } from "../../state/checkpoint/meta.ts";
import type { StagedCheckpoint } from "../../state/checkpoint/transfer.ts";
import type { Machine } from "../../state/execution/machine.ts";
import { Pace } from "./pace.ts";
import type { SnapshotFrame, SnapshotReply } from "./snapshot-frames.ts";
import { snapshotPoint } from "./snapshot-point.ts";

/** What the receiver needs of its node. */
export interface ReceiverPorts {
  readonly nodeId: NodeId;
  /** This node's state holds every entry up to this one. */
  appliedIndex(): number;
  /** The snapshot that consensus has taken and that is not durable yet. */
  installing(): SnapshotPoint | null;
  send(to: NodeId, reply: SnapshotReply): void;
  /** An empty place on disk for the records. */
  stage(metaBytes: Buffer): Promise<StagedCheckpoint>;
  /** An empty machine: the records are loaded into it, which proves them, before anything is replaced. */
  createMachine(): Machine;
  /** Hands the message to consensus, and lets it act on it. */
  step(message: InstallSnapshot): void;
  /** The disk failed. */
  broken(error: Error): void;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/** One offer of one node. */
interface Attempt {
  readonly from: NodeId;
  readonly attempt: number;
  /** Chunks of it that are staged. */
  readonly chunks: number;
}

interface Incoming extends Attempt {
  attempt: number;
  readonly metaBytes: Buffer;
  readonly meta: CheckpointMeta;
  readonly staged: StagedCheckpoint;
  chunks: number;
}

/** Proved, and waiting for consensus to ask for it. */
export interface StagedSnapshot {
  readonly point: SnapshotPoint;
  readonly staged: StagedCheckpoint;
  readonly machine: Machine;
}

/**
 * One snapshot at a time. Frames are handled one after the other, because staging waits for the disk. Nothing of a
 * snapshot can be seen before all of it is proved and consensus has asked for it.
 */
export class SnapshotReceiver {
  readonly #ports: ReceiverPorts;
  #incoming: Incoming | null = null;
  #ready: StagedSnapshot | null = null;
  /** Staged and handed to consensus; the leader waits to hear of it. */
  #finished: Attempt | null = null;
  #work: Promise<void> = Promise.resolve();
  #queued = 0;
  #toldMs = 0;
  readonly #pace: Pace;
  /** Ends the rest of a long step. */
  #wake: (() => void) | null = null;
  #isClosed = false;

  constructor(ports: ReceiverPorts) {
    this.#ports = ports;
    this.#pace = new Pace(ports.nowMs);
  }

  /** A frame too many is lost like one of a broken connection: the leader makes its offer again. */
  frame(from: NodeId, frame: SnapshotFrame): void {
    if (this.#queued >= snapshotFramesWaitingMax) return;
    this.#queued++;
    this.#work = this.#work
      .then(() => this.#handle(from, frame))
      .catch((error: Error) => this.#ports.broken(error))
      .finally(() => {
        this.#queued--;
      });
  }

  /** Its work is paused until a later tick. */
  get isResting(): boolean {
    return this.#wake !== null;
  }

  /**
   * Called often, because a rest ends only with a tick. The leader is told that a long step (loading, installing) is
   * still at work.
   */
  tick(): void {
    if (!this.#pace.isResting) this.#goOn();
    const atWork = this.#queued > 0 && this.#incoming !== null ? this.#incoming : this.#finished;
    if (atWork === null || this.#ports.nowMs() - this.#toldMs < snapshotKeepAliveMs) return;
    this.#acknowledge(atWork);
  }

  /** The one that consensus has decided to install. */
  take(point: SnapshotPoint): StagedSnapshot {
    const ready = this.#ready;
    assert(
      ready !== null && ready.point.index === point.index && ready.point.term === point.term,
      `the snapshot of entry ${point.index} is staged`,
    );
    this.#ready = null;
    return ready;
  }

  /** After its acknowledgement: the leader is told that the transfer is over. */
  installed(): void {
    const finished = this.#finished;
    this.#finished = null;
    if (finished === null) return;
    this.#ports.send(finished.from, { type: "done", attempt: finished.attempt });
  }

  /** Resolves when what was under way is put away. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#goOn();
    await this.#work;
    await this.#discard();
  }

  async #handle(from: NodeId, frame: SnapshotFrame): Promise<void> {
    switch (frame.type) {
      case "offer":
        await this.#offered(from, frame.attempt, Buffer.from(frame.meta));
        return;
      case "chunk":
        await this.#chunk(from, frame);
        return;
      case "end":
        await this.#end(from, frame);
        return;
      case "stop":
        if (this.#isOf(from, frame.attempt)) await this.#discard();
        return;
    }
  }

  async #offered(from: NodeId, attempt: number, metaBytes: Buffer): Promise<void> {
    const known = this.#incoming;
    if (known !== null && known.from === from && known.metaBytes.equals(metaBytes)) {
      known.attempt = attempt;
      known.chunks = 0;
      this.#ports.send(from, { type: "take", attempt, after: known.staged.lastKey });
      return;
    }
    const meta = decodeMeta(metaBytes);
    if (typeof meta === "string") {
      this.#refuse(from, attempt, meta);
      return;
    }
    if (this.#answeredAtOnce(from, attempt, meta)) return;
    await this.#discard();
    const staged = await this.#ports.stage(metaBytes);
    this.#incoming = { from, attempt, metaBytes, meta, staged, chunks: 0 };
    this.#ports.logger.info(`node ${from} sends a snapshot of entry ${meta.appliedIndex}`);
    this.#ports.send(from, { type: "take", attempt, after: Buffer.alloc(0) });
  }

  /** A snapshot that is here already, or is being installed, is not sent again. */
  #answeredAtOnce(from: NodeId, attempt: number, meta: CheckpointMeta): boolean {
    const installing = this.#ports.installing();
    if (installing === null) {
      if (this.#ports.appliedIndex() < meta.appliedIndex) return false;
      this.#ports.send(from, { type: "done", attempt });
    } else if (installing.index === meta.appliedIndex && installing.term === meta.term) {
      this.#finished = { from, attempt, chunks: 0 };
      this.#acknowledge(this.#finished);
    } else {
      this.#ports.send(from, { type: "stop", attempt, reason: "it installs another snapshot" });
    }
    return true;
  }

  async #chunk(from: NodeId, frame: Extract<SnapshotFrame, { type: "chunk" }>): Promise<void> {
    const incoming = this.#isOf(from, frame.attempt) ? this.#incoming : null;
    if (incoming === null) return;
    const problem =
      frame.number === incoming.chunks + 1
        ? await incoming.staged.append(frame.records)
        : `chunk ${frame.number} came after chunk ${incoming.chunks}`;
    if (problem === null) {
      incoming.chunks++;
      this.#acknowledge(incoming);
      return;
    }
    await this.#discard();
    this.#refuse(from, frame.attempt, problem);
  }

  async #end(from: NodeId, frame: Extract<SnapshotFrame, { type: "end" }>): Promise<void> {
    const incoming = this.#isOf(from, frame.attempt) ? this.#incoming : null;
    if (incoming === null) return;
    const point = snapshotPoint(incoming.meta);
    const machine = this.#ports.createMachine();
    this.#pace.begin();
    const problem =
      point === null
        ? "its membership cannot be read"
        : await incoming.staged.finish(machine, () => this.#giveWay());
    if (this.#isClosed) return; // `close` discards what is staged.
    if (problem !== null || point === null) {
      await this.#discard();
      this.#refuse(from, frame.attempt, problem ?? "");
      return;
    }
    this.#incoming = null;
    this.#ready = { point, staged: incoming.staged, machine };
    const { nodeId: to } = this.#ports;
    this.#ports.step({ type: "installSnapshot", from, to, term: asTerm(frame.term), point });
    this.#finished = incoming;
    if (this.#ports.installing()?.index === point.index) return;
    // It was not needed, or came from a node that no longer leads.
    await this.#discard();
    this.installed();
  }

  #isOf(from: NodeId, attempt: number): boolean {
    return this.#incoming?.from === from && this.#incoming.attempt === attempt;
  }

  /** Null to go on at once, or what to wait for, so that the rest of the node gets its time. */
  #giveWay(): Promise<void> | null {
    this.tick();
    if (this.#isClosed || this.#pace.tookMs < snapshotLoadBurstMs) return null;
    this.#pace.rest();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #goOn(): void {
    if (this.#wake === null) return;
    this.#pace.begin();
    this.#wake();
    this.#wake = null;
  }

  #acknowledge({ from, attempt, chunks }: Attempt): void {
    this.#toldMs = this.#ports.nowMs();
    this.#ports.send(from, { type: "ack", attempt, number: chunks });
  }

  #refuse(from: NodeId, attempt: number, reason: string): void {
    this.#ports.logger.warn(`refused the snapshot of node ${from}: ${reason}`);
    this.#ports.send(from, { type: "stop", attempt, reason });
  }

  async #discard(): Promise<void> {
    const abandoned = [this.#incoming?.staged, this.#ready?.staged];
    this.#incoming = null;
    this.#ready = null;
    for (const staged of abandoned) await staged?.close();
  }
}
