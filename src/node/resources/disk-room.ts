// The room on this node's disk: measured now and then, and counted in between.

import { checkpointCopies, diskLogBytes, diskLookBytes } from "../../constants.ts";
import { type DiskSpace, diskFloor, lastSpace } from "../directory/disk-space.ts";
import { plenty, type Room } from "./room.ts";
import { isScarce } from "./room-watch.ts";

export interface DiskRoomOptions {
  readonly measure: () => Promise<DiskSpace>;
}

/** A small disk can be full within a second: so what is written is subtracted until the next look. */
export class DiskRoom {
  readonly #measure: () => Promise<DiskSpace>;
  #space: DiskSpace | null = null;
  /** Written since the look began that `#space` comes from. */
  #writtenBytes = 0;
  #look: Promise<void> | null = null;
  /** What checkpoints of all that is applied are going to write, at most. */
  claimed: () => number = () => 0;
  /** One of them is being written. */
  isClaiming: () => boolean = () => false;
  /** Told when so much was written that the disk has to be looked at before the next second. */
  onLookWanted: () => void = () => undefined;

  constructor({ measure }: DiskRoomOptions) {
    this.#measure = measure;
  }

  /** As estimated now; the total is 0 before the first look. */
  get space(): DiskSpace {
    const { total, free } = this.#space ?? { total: 0, free: 0 };
    return { total, free: Math.max(0, free - this.#writtenBytes) };
  }

  /** So many bytes are free, above no floor. */
  has(bytes: number): boolean {
    const { total, free } = this.space;
    return total === 0 || free > bytes;
  }

  /**
   * A checkpoint of everything that has changed always fits beside what there is: what grows the state needs room in the log
   * and for its checkpoint too. Where it does not fit all the same, because somebody else has filled the disk, keys can
   * still be deleted until it does.
   */
  get room(): Room {
    const { space } = this;
    if (space.total === 0) return plenty;
    const left = space.free - lastSpace(space);
    const unclaimed = left - this.claimed();
    const growth = Math.min(space.free - diskFloor(space), unclaimed / (1 + checkpointCopies));
    const forLogAlone = this.isClaiming() ? 0 : space.free - diskLogBytes;
    return {
      growth: Math.max(0, growth),
      any: Math.max(0, unclaimed > 0 ? unclaimed : forLogAlone),
    };
  }

  /** Files of this node have grown, or are about to. */
  grown(bytes: number): void {
    this.#writtenBytes += bytes;
    if (this.#writtenBytes >= diskLookBytes && this.#look === null && isScarce(this.room)) {
      this.onLookWanted();
    }
  }

  /** Rejects with the error of the file system. */
  look(): Promise<void> {
    this.#look ??= this.#measureAnew().finally(() => {
      this.#look = null;
    });
    return this.#look;
  }

  async #measureAnew(): Promise<void> {
    const before = this.#writtenBytes;
    this.#space = await this.#measure();
    // What was written meanwhile may be in the figure, or not.
    this.#writtenBytes -= before;
  }
}
