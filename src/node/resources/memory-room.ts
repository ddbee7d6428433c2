// The room in memory: how far this process is from what the machine gives it.

import {
  memoryFloorBytes,
  memoryFloorShare,
  memoryShare,
  memoryShareMax,
} from "../../constants.ts";
import { inMiB, lessOf, plenty, type Room, roomOf } from "./room.ts";

/** In bytes. */
export interface MemorySpace {
  /** Of this process: what it holds in memory. */
  readonly resident: number;
  /** What this process may hold: the memory of the machine, or less in a container. */
  readonly limit: number;
  /** Of the machine: what processes may still take before it swaps. */
  readonly available: number;
  readonly total: number;
}

/** A process that needs more than there is gets no error: the kernel ends it. */
export class MemoryRoom {
  /** Null when the system does not tell. */
  readonly #measure: () => Promise<MemorySpace | null>;
  #space: MemorySpace | null = null;
  /** Bytes of entries since the last look, which the state may have grown by. */
  #appliedBytes = 0;

  constructor(measure: () => Promise<MemorySpace | null>) {
    this.#measure = measure;
  }

  get room(): Room {
    if (this.#space === null) return plenty;
    const { resident, limit, available, total } = this.#space;
    const held = resident + this.#appliedBytes;
    const own = roomOf(limit - held, {
      growth: limit * (1 - memoryShare),
      any: limit * (1 - memoryShareMax),
    });
    const floor = Math.min(memoryFloorBytes, total * memoryFloorShare);
    const shared = roomOf(available - this.#appliedBytes, { growth: floor, any: floor / 2 });
    return lessOf(own, shared);
  }

  applied(bytes: number): void {
    this.#appliedBytes += bytes;
  }

  async look(): Promise<void> {
    const before = this.#appliedBytes;
    this.#space = await this.#measure();
    this.#appliedBytes -= before;
  }

  describe(isLow: boolean): string {
    const { resident, limit, available } = this.#space ?? { resident: 0, limit: 0, available: 0 };
    const held = `${inMiB(resident)} of ${inMiB(limit)} MiB are in use, ${inMiB(available)} MiB of the machine are free`;
    return isLow
      ? `memory is nearly full (${held}): writes may be refused until keys are deleted`
      : `there is memory again (${held})`;
  }
}
