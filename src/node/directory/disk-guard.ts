// What a node does about disks that fill up: it tells the others, hands leadership over, refuses writes.

import type { Logger } from "../../logger.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { Peers } from "../frames.ts";
import { frameKind } from "../frames.ts";
import { tellOthers } from "../tell-others.ts";
import { type DiskSpace, DiskWatch } from "./disk-space.ts";

export interface DiskGuardOptions {
  readonly driver: RaftDriver;
  readonly peers: Pick<Peers, "send">;
  /** Of the file system with the data directory. */
  readonly measure: () => Promise<DiskSpace>;
  readonly logger: Logger;
}

export class DiskGuard {
  readonly #options: DiskGuardOptions;
  readonly #watch: DiskWatch;

  constructor(options: DiskGuardOptions) {
    this.#options = options;
    this.#watch = new DiskWatch(options.driver.core.id, {
      measure: options.measure,
      tell: (isLow) => this.#tell(isLow),
      warn: (line) => options.logger.warn(line),
    });
  }

  /** This node's own disk is nearly full. */
  get isLow(): boolean {
    return this.#watch.isLow(this.#options.driver.core.id);
  }
  /** As far as this node has heard. */
  hasSpace(node: NodeId): boolean {
    return !this.#watch.isLow(node);
  }
  /** No majority of voters has space. */
  get refusesWrites(): boolean {
    return this.#watch.isAnyLow && this.#watch.refusesWrites(this.#options.driver.core.membership);
  }

  /** Every `diskCheckMs`. Rejects with the error of the file system. */
  async check(): Promise<void> {
    await this.#watch.check();
    this.#leaveFullDisk();
  }

  /** A frame of `frameKind.diskSpace`. */
  told(from: NodeId, body: Buffer): void {
    this.#watch.told(from, body[0] === 1);
  }

  disconnected(peer: NodeId): void {
    this.#watch.disconnected(peer);
  }

  #tell(isLow: boolean): void {
    const { driver, peers } = this.#options;
    tellOthers(driver, peers, frameKind.diskSpace, Buffer.of(isLow ? 1 : 0));
  }

  /**
   * A leader whose disk is full ends its process, and that costs everybody an election timeout: so it hands over
   * before.
   */
  #leaveFullDisk(): void {
    const { driver } = this.#options;
    if (!driver.isLeader || !this.isLow) return;
    const voters = driver.core.membership.members.filter(({ voter }) => voter);
    const successor = driver.core
      .progress()
      .filter(({ id, active }) => active && voters.some((voter) => voter.id === id))
      .filter(({ id }) => !this.#watch.isLow(id))
      .toSorted((a, b) => b.match - a.match)[0];
    if (successor !== undefined) driver.transfer(successor.id);
  }
}
