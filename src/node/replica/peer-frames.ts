// What each frame of a peer is for: from its kind to the part of the replica that reads it.

import type { Logger } from "../../logger.ts";
import { decodeMessage } from "../../raft/codec.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import { frameKind } from "../frames.ts";
import type { AddressBook } from "../members/address-book.ts";
import type { AdminDesk } from "../members/admin-desk.ts";
import type { NodeTime } from "../time/node-time.ts";
import type { AccessReports } from "./access-reports.ts";
import type { DivergenceCheck } from "./divergence.ts";
import type { LeaderPath } from "./leader-path.ts";
import type { Ordering } from "./ordering.ts";
import type { ReadBarrier } from "./read-barrier.ts";
import type { SettingsDesk } from "./settings-desk.ts";

export interface FrameReaders {
  readonly driver: Pick<RaftDriver, "step">;
  readonly ordering: Ordering;
  readonly path: LeaderPath;
  readonly barrier: ReadBarrier;
  readonly admin: AdminDesk;
  readonly addresses: AddressBook;
  readonly divergence: DivergenceCheck;
  readonly time: NodeTime;
  readonly settings: SettingsDesk;
  readonly accesses: AccessReports;
}

type Handler = (from: NodeId, body: Buffer) => void;

export class PeerFrames {
  readonly #nodeId: NodeId;
  readonly #logger: Logger;
  readonly #driver: FrameReaders["driver"];
  readonly #handlers: ReadonlyMap<number, Handler>;

  constructor(nodeId: NodeId, logger: Logger, readers: FrameReaders) {
    this.#nodeId = nodeId;
    this.#logger = logger;
    this.#driver = readers.driver;
    const { ordering, path, barrier, admin, addresses, divergence, time, settings, accesses } =
      readers;
    this.#handlers = new Map<number, Handler>([
      [frameKind.raft, (from, body) => this.#step(from, body)],
      [frameKind.append, (from, body) => this.#step(from, body)],
      [frameKind.forward, (from, body) => ordering.orderForwarded(from, body)],
      [frameKind.refused, (from, body) => path.refused(from, body)],
      [frameKind.readIndex, (from, body) => barrier.asked(from, body)],
      [frameKind.readIndexReply, (_, body) => barrier.answered(body)],
      [frameKind.admin, (from, body) => admin.asked(from, body)],
      [frameKind.adminReply, (_, body) => admin.answered(body)],
      [frameKind.address, (from, body) => addresses.heard(from, body)],
      [frameKind.clock, (from, body) => time.heard(from, body)],
      [frameKind.memory, (from, body) => settings.heard(from, body)],
      [frameKind.accesses, (_, body) => accesses.heard(body)],
      [frameKind.digest, (from, body) => divergence.frame(from, body)],
    ]);
  }

  /** A frame that says nothing we understand is dropped: it cannot come from a peer of our version. */
  frame(from: NodeId, kind: number, body: Buffer): void {
    const handle = this.#handlers.get(kind);
    if (handle !== undefined) handle(from, body);
    else this.#logger.warn({ from, kind }, "dropped a frame of an unknown kind");
  }

  #step(from: NodeId, body: Buffer): void {
    const message = decodeMessage(body);
    if (typeof message === "string") {
      this.#logger.warn({ from }, `dropped a message: ${message}`);
    } else if (message.from === from && message.to === this.#nodeId) {
      this.#driver.step(message);
    }
  }
}
