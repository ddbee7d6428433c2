// What a node does while disks or memory fill up: it tells the others, hands leadership over, refuses writes.

import type { Logger } from "../../logger.ts";
import type { NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import { errors } from "../../resp/errors.ts";
import type { ErrorReply } from "../../resp/reply.ts";
import type { WriteCommand } from "../../state/commands/spec.ts";
import type { DiskReserve } from "../directory/disk-reserve.ts";
import { frameKind, type Peers } from "../frames.ts";
import { tellOthers } from "../tell-others.ts";
import type { DiskRoom } from "./disk-room.ts";
import type { MemoryRoom } from "./memory-room.ts";
import { decodeRooms, encodeRooms, inMiB } from "./room.ts";
import { isScarce, RoomWatch } from "./room-watch.ts";

export interface RoomGuardOptions {
  readonly driver: RaftDriver;
  readonly peers: Pick<Peers, "send">;
  readonly disk: DiskRoom;
  readonly memory: MemoryRoom;
  /** Takes space while there is enough of it: DiskReserve. */
  readonly reserve: Pick<DiskReserve, "follow" | "give">;
  /** Of the writes that this node has taken and that are not applied here. */
  readonly pendingBytes: () => number;
  readonly logger: Logger;
}

/** One of the two things that may run out. */
interface Guarded {
  readonly watch: RoomWatch;
  readonly error: ErrorReply;
  /** For a line of the log. */
  readonly describe: (isLow: boolean) => string;
  wasLow: boolean;
}

export class RoomGuard {
  readonly #options: RoomGuardOptions;
  readonly #disk: Guarded;
  readonly #memory: Guarded;
  readonly #guarded: readonly Guarded[];
  /** What the others were told last was that there is little room. */
  #saidScarce = false;
  /** The largest write that had no room on the disks, since the last check and in the second before. */
  #refusedBytes = 0;
  #refusedBefore = 0;
  /** In this turn there is much room for all: nothing is applied before the next one, so it is looked at once. */
  #isPlentiful = false;

  constructor(options: RoomGuardOptions) {
    this.#options = options;
    const { driver, disk, memory } = options;
    const { id } = driver.core;
    this.#disk = {
      watch: new RoomWatch(id, () => disk.room),
      error: errors.diskFull,
      describe: (isLow) => describeDisk(disk, isLow),
      wasLow: false,
    };
    this.#memory = {
      watch: new RoomWatch(id, () => memory.room),
      error: errors.memoryFull,
      describe: (isLow) => memory.describe(isLow),
      wasLow: false,
    };
    this.#guarded = [this.#disk, this.#memory];
  }

  /** This node's own disk is nearly full: it takes no more writes, or none as large as those that it has refused. */
  get isDiskLow(): boolean {
    const wanted = Math.max(this.#refusedBytes, this.#refusedBefore);
    return this.#options.disk.room.growth <= wanted;
  }
  /** As far as this node has heard. */
  hasRoom(node: NodeId): boolean {
    return this.#guarded.every(({ watch }) => !watch.isLow(node));
  }

  /** Why a write of so many bytes is not taken, because no majority of voters has room for it; null when it is. */
  refusal({ flags }: Pick<WriteCommand, "flags">, bytes: number): ErrorReply | null {
    if (this.#isPlentiful) return null;
    const scarce = this.#guarded.filter(({ watch }) => watch.isAnyScarce);
    this.#isPlentiful = scarce.length === 0;
    for (const { watch, error } of scarce) {
      const { membership } = this.#options.driver.core;
      const underWay = bytes + this.#options.pendingBytes();
      // As in Redis: what may not run out of memory is what may need more of it.
      if (!watch.refuses(membership, underWay, flags.includes("denyoom"))) continue;
      if (error === errors.diskFull) this.#refusedBytes = Math.max(this.#refusedBytes, underWay);
      return error;
    }
    return null;
  }

  /** Entries were applied, perhaps. */
  turned(): void {
    this.#isPlentiful = false;
  }

  /** Every `roomCheckMs`. Rejects with the error of the file system. */
  async check(): Promise<void> {
    for (const { watch } of this.#guarded) watch.check();
    this.#refusedBefore = this.#refusedBytes;
    this.#refusedBytes = 0;
    await this.look();
  }

  /** Between two checks, when much was written. Rejects with the error of the file system. */
  async look(): Promise<void> {
    const { disk, memory, reserve } = this.#options;
    await Promise.all([disk.look(), memory.look()]);
    this.#isPlentiful = false;
    this.#report();
    this.#tell();
    this.#leaveFullNode();
    await reserve.follow(disk.space);
  }

  /** Whether so many bytes of disk may be used to free some: then the reserve gives way if need be. */
  async makeRoom(bytes: number): Promise<boolean> {
    const { disk, reserve } = this.#options;
    if (disk.has(bytes)) return true;
    await reserve.give(disk.space, bytes);
    await disk.look();
    return disk.has(bytes);
  }

  /** A frame of `frameKind.room`. */
  told(from: NodeId, body: Buffer): void {
    this.#isPlentiful = false;
    const rooms = decodeRooms(body, this.#guarded.length);
    for (const [at, room] of rooms?.entries() ?? []) this.#guarded[at]?.watch.told(from, room);
  }

  disconnected(peer: NodeId): void {
    for (const { watch } of this.#guarded) watch.disconnected(peer);
  }

  #report(): void {
    const self = this.#options.driver.core.id;
    for (const each of this.#guarded) {
      const isLow = each.watch.isLow(self);
      if (isLow !== each.wasLow) this.#options.logger.warn(each.describe(isLow));
      each.wasLow = isLow;
    }
  }

  /** Repeats what it said before, because a peer may have missed it. */
  #tell(): void {
    const { driver, peers, disk, memory } = this.#options;
    const rooms = [disk.room, memory.room];
    const scarce = rooms.some(isScarce);
    if (scarce || this.#saidScarce) {
      tellOthers(driver, peers, frameKind.room, encodeRooms(rooms));
    }
    this.#saidScarce = scarce;
  }

  /**
   * A leader that is full may end its process, and that costs everybody an election timeout: so it hands over
   * before.
   */
  #leaveFullNode(): void {
    const { driver } = this.#options;
    if (!driver.isLeader || this.hasRoom(driver.core.id)) return;
    const voters = driver.core.membership.members.filter(({ voter }) => voter);
    const successor = driver.core
      .progress()
      .filter(({ id, active }) => active && voters.some((voter) => voter.id === id))
      .filter(({ id }) => this.hasRoom(id))
      .toSorted((a, b) => b.match - a.match)[0];
    if (successor !== undefined) driver.transfer(successor.id);
  }
}

function describeDisk({ space }: DiskRoom, isLow: boolean): string {
  const free = `${inMiB(space.free)} of ${inMiB(space.total)} MiB are free`;
  return isLow
    ? `the disk is nearly full (${free}): writes may be refused until keys are deleted or space is freed`
    : `the disk has space again (${free})`;
}
