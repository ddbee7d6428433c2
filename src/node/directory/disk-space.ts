// Writes stop before a disk is full: a full one ends the process, and reads with it.

import { diskFloorBytes, diskFloorShare, diskWordChecks, logDiskShare } from "../../constants.ts";
import type { Membership, NodeId } from "../../raft/core/types.ts";

/** Of the file system that holds the data directory, in bytes. */
export interface DiskSpace {
  readonly total: number;
  /** What an unprivileged process may still use. */
  readonly free: number;
}

export interface DiskSpacePorts {
  measure(): Promise<DiskSpace>;
  /** Tells every other node. */
  tell(isLow: boolean): void;
  /** One line for the log. */
  warn(line: string): void;
}

/** Below this a node counts as full: a named share of its disk, and never more than a named size. */
export function diskFloor({ total }: DiskSpace): number {
  return Math.min(diskFloorBytes, total * diskFloorShare);
}

/** Whether so many bytes may be used ahead of time: they bring no disk anywhere near to being full. */
export function hasSpaceFor(bytes: number, space: DiskSpace): boolean {
  return space.free - bytes > 2 * diskFloor(space);
}

/** Most bytes of a segment, between two checkpoints, or behind one: a log may not fill its disk by itself. */
export function logShare({ total }: DiskSpace): number {
  // Some file systems do not tell.
  return total === 0 ? Number.POSITIVE_INFINITY : Math.floor(total * logDiskShare);
}

/**
 * Every node measures its own disk and tells the others. Writes are refused, with a definite error
 * and before they enter the log, while so many voters are full that no majority could store them. Before
 * that a full leader hands over to a voter that has space, and a full follower stops nobody.
 */
export class DiskWatch {
  readonly #ports: DiskSpacePorts;
  readonly #self: NodeId;
  /** Full nodes, and the check of this node in which each was last known to be so. */
  readonly #low = new Map<NodeId, number>();
  #checks = 0;

  constructor(self: NodeId, ports: DiskSpacePorts) {
    this.#self = self;
    this.#ports = ports;
  }

  /** Called every second or so. Repeats what it said before, because a peer may have missed it. */
  async check(): Promise<void> {
    this.#checks += 1;
    this.#forgetOldWords();
    const space = await this.#ports.measure();
    const wasLow = this.#low.has(this.#self);
    const isLow = space.free < diskFloor(space);
    if (isLow !== wasLow) this.#report(space, isLow);
    this.#mark(this.#self, isLow);
    if (isLow || wasLow) this.#ports.tell(isLow);
  }

  told(from: NodeId, isLow: boolean): void {
    this.#mark(from, isLow);
  }

  /** Whatever it said last, its disk may have been freed since. */
  disconnected(peer: NodeId): void {
    this.#mark(peer, false);
  }

  isLow(node: NodeId): boolean {
    return this.#low.has(node);
  }

  /** This is asked for each write, so it is cheap: while no node is full, no write is refused. */
  get isAnyLow(): boolean {
    return this.#low.size > 0;
  }

  refusesWrites({ members }: Membership): boolean {
    const voters = members.filter(({ voter }) => voter);
    const withSpace = voters.filter(({ id }) => !this.#low.has(id)).length;
    return withSpace <= voters.length / 2;
  }

  #mark(node: NodeId, isLow: boolean): void {
    if (isLow) this.#low.set(node, this.#checks);
    else this.#low.delete(node);
  }

  /**
   * A node says only once that it has space again, and that may be lost; a full one repeats itself. So old words are
   * forgotten.
   */
  #forgetOldWords(): void {
    for (const [node, heardIn] of this.#low) {
      if (node !== this.#self && heardIn < this.#checks - diskWordChecks) this.#low.delete(node);
    }
  }

  #report(space: DiskSpace, isLow: boolean): void {
    const free = `${Math.floor(space.free / 2 ** 20)} MiB of ${Math.floor(space.total / 2 ** 20)} MiB are free`;
    this.#ports.warn(
      isLow
        ? `the disk is nearly full (${free}): writes may be refused until space is freed`
        : `the disk has space again (${free})`,
    );
  }
}
