// Snapshots as one part of a node: sent to members that are too far behind, installed when this one is.

import { assert } from "../../assert.ts";
import type { Logger } from "../../logger.ts";
import type { NodeId, SnapshotPoint } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { LogStore } from "../../raft/ports.ts";
import type { Machine } from "../../state/execution/machine.ts";
import type { Peers } from "../frames.ts";
import { frameKind } from "../frames.ts";
import type { CheckpointHome } from "./checkpoint-home.ts";
import {
  decodeSnapshotFrame,
  decodeSnapshotReply,
  encodeSnapshotFrame,
  encodeSnapshotReply,
} from "./snapshot-frames.ts";
import { restartPoint } from "./snapshot-point.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import { SnapshotSender } from "./snapshot-sender.ts";

export interface SnapshotsOptions {
  readonly nodeId: NodeId;
  readonly incarnation: number;
  readonly peers: Pick<Peers, "send">;
  readonly driver: RaftDriver;
  readonly machine: Machine;
  /** An empty machine of the same kind. */
  readonly createMachine: () => Machine;
  readonly home: CheckpointHome;
  readonly log: Pick<LogStore, "restart">;
  /** Runs work that no checkpoint may be written beside. */
  readonly alone: (work: () => Promise<void>) => Promise<void>;
  /** Resolves when no read and no entry is half done. */
  readonly whenStill: () => Promise<void>;
  /** Milliseconds of a clock that does not go back. */
  readonly nowMs: () => number;
  readonly logger: Logger;
  /** The disk failed: nothing may be acknowledged any more. */
  readonly onFailure: (error: Error) => void;
}

export class Snapshots {
  readonly #options: SnapshotsOptions;
  readonly #sender: SnapshotSender;
  readonly #receiver: SnapshotReceiver;
  #installing: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: SnapshotsOptions) {
    this.#options = options;
    const { nodeId, incarnation, peers, driver, machine, home, createMachine } = options;
    const { nowMs, logger, onFailure } = options;
    this.#sender = new SnapshotSender({
      view: () => home.view(),
      send: (to, frame) => peers.send(to, frameKind.snapshot, encodeSnapshotFrame(frame)),
      leads: () => (driver.isLeader ? driver.core.term : null),
      incarnation,
      failed: (to) => driver.snapshotFailed(to),
      ...{ broken: onFailure, nowMs, logger },
    });
    this.#receiver = new SnapshotReceiver({
      nodeId,
      appliedIndex: () => machine.appliedIndex,
      installing: () => driver.core.installing,
      send: (to, reply) => peers.send(to, frameKind.snapshotReply, encodeSnapshotReply(reply)),
      stage: (metaBytes) => home.stage(metaBytes),
      createMachine,
      step: (message) => driver.step(message),
      ...{ broken: onFailure, nowMs, logger },
    });
  }

  /** Nothing of the log above this may be cut. */
  get oldestIndex(): number {
    return this.#sender.oldestIndex;
  }

  /** A snapshot is being sent or received, and goes on with the next tick. */
  get isBusy(): boolean {
    return this.#sender.isBusy || this.#receiver.isResting;
  }

  /** How much of a snapshot the member has, in percent; null when none is on its way to it. */
  percent(member: NodeId): number | null {
    return this.#sender.percent(member);
  }

  /** Consensus has found that the member needs entries that are cut. */
  begin(to: NodeId): void {
    this.#sender.begin(to);
  }

  /** Consensus has decided for a snapshot that is staged: see `Consumer.install`. None begins after `close`. */
  install(point: SnapshotPoint, done: () => void): void {
    if (this.#isClosed) return;
    this.#installing = this.#install(point).then(() => {
      done();
      this.#receiver.installed();
    }, this.#options.onFailure);
  }

  leaderChanged(): void {
    this.#sender.leaderChanged();
  }
  connected(peer: NodeId): void {
    this.#sender.connected(peer);
  }
  /** Every `tickMs`, or about: what rests goes on then. */
  tick(): void {
    this.#sender.tick();
    this.#receiver.tick();
  }

  /** A frame of `frameKind.snapshot`. */
  frame(from: NodeId, body: Buffer): void {
    const frame = decodeSnapshotFrame(body);
    if (frame !== null) this.#receiver.frame(from, frame);
  }

  /** A frame of `frameKind.snapshotReply`. */
  reply(from: NodeId, body: Buffer): void {
    const reply = decodeSnapshotReply(body);
    if (reply !== null) this.#sender.answered(from, reply);
  }

  /** What is being installed is brought to its end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#sender.close();
    await this.#installing;
    await this.#receiver.close();
  }

  /** The order is the safety: see CheckpointDirectory for what a crash between two steps leaves. */
  async #install(point: SnapshotPoint): Promise<void> {
    const { home, log, machine, alone, logger } = this.#options;
    const ready = this.#receiver.take(point);
    assert(machine.appliedIndex < point.index, "a snapshot brings the state forward");
    await alone(async () => {
      await home.replace(ready.staged, point); //                            1. the switch, durable,
      await new Promise<void>((done) => log.restart(restartPoint(point), done)); // 2. the log behind it,
      await this.#options.whenStill();
      machine.adopt(ready.machine); //                                       3. what clients see,
      await home.restarted(); //                                             4. the old one may go.
    });
    logger.info(`installed the snapshot of entry ${point.index}`);
  }
}
