// The disk below the log of one node: how long it takes, when it stalls or breaks, what a crash leaves of it.

import type { DiskSpace } from "../../src/node/directory/disk-space.ts";
import { SimulatedDisk } from "../support/log-disk.ts";
import { Chance } from "./chance.ts";
import type { World } from "./world.ts";

export class BrokenDisk extends Error {
  override readonly name = "BrokenDisk";

  constructor() {
    super("EIO: i/o error");
  }
}

/** What became of the one bit of a disk that may be flipped. */
export type Rot = "none" | "unnoticed" | "survived";

const lookUs = 500_000;
/** Most of a file of the log is room for more: bits are flipped up to so far behind what is used. */
const roomBytes = 600;
const sizeBytes = 2 ** 36;

export class NodeDisk {
  /** Nothing completes before this time. */
  stalledUntil = 0;
  rot: Rot = "none";
  readonly #world: World;
  readonly #later: (delay: number, act: () => void) => void;
  readonly #latency: Chance;
  #files: SimulatedDisk;
  #fillings = 0;
  #freedAt = Number.NEGATIVE_INFINITY;
  #repairedAt = Number.NEGATIVE_INFINITY;

  /** `later` runs what belongs to the process, unless that is gone by then. */
  constructor(id: number, world: World, later: (delay: number, act: () => void) => void) {
    this.#world = world;
    this.#later = later;
    const { seed } = world.plan;
    this.#latency = new Chance(seed, `disk latency ${id}`);
    this.#files = new SimulatedDisk(diskChance(seed, id), new Map(), (complete) =>
      this.#completeLater(complete),
    );
  }

  /** As the present process sees them. */
  get files(): SimulatedDisk {
    return this.#files;
  }

  /** Any other operation: resolves in virtual time, or never when the process is gone by then. */
  readonly wait = (): Promise<void> => new Promise((resolve) => this.#completeLater(resolve));

  // --- Space: what is left of it, not what happens when there is none ---------------------------------

  /** Something else takes the space, down to below the floor. */
  fill(): void {
    this.#fillings += 1;
  }

  free(): void {
    this.#fillings -= 1;
    this.#freedAt = this.#world.timeline.now;
  }

  /** Measured as the program does it. */
  readonly space = (): Promise<DiskSpace> =>
    Promise.resolve({ total: sizeBytes, free: this.#fillings > 0 ? 0 : sizeBytes / 2 });

  /** Whether it was full, by the time of the simulation, at this time or later. */
  wasFullSince(us: number): boolean {
    return this.#fillings > 0 || this.#freedAt >= us;
  }

  /** Whether it was stalled, by the time of the simulation, at this time or later. */
  wasStalledSince(us: number): boolean {
    return this.stalledUntil >= us || this.#repairedAt >= us;
  }

  /** The next operation is refused. */
  break(): void {
    this.#files.failNext(new BrokenDisk());
  }

  repair(): void {
    this.stalledUntil = 0;
    this.#repairedAt = this.#world.timeline.now;
    this.#files.failNext(null);
  }

  /** The process is gone, and with the power what the system had not written. */
  end(powerToo: boolean): void {
    this.#files.powerOff();
    this.#files = powerToo ? this.#files.afterPowerCut() : this.#files.afterKill();
  }

  // --- Bit rot -------------------------------------------------------------------------------------

  /** Flips one bit somewhere in the log, while no process has it open. Null: there is none yet. */
  flip(chance: Chance): string | null {
    const paths = this.#files.paths();
    if (paths.length === 0) return null;
    const path = chance.pick(paths);
    const content = this.#files.content(path);
    const used = content.findLastIndex((byte) => byte !== 0) + 1;
    const size = chance.happens(0.9) ? Math.min(content.length, used + roomBytes) : content.length;
    if (size === 0) return null;
    const [at, bit] = [chance.below(size), chance.below(8)];
    this.#files.flip(path, at, 1 << bit);
    this.rot = "unnoticed";
    return `bit ${bit} of byte ${at} of ${path}`;
  }

  /** The whole log was read. */
  opened(): void {
    if (this.rot !== "unnoticed") return;
    this.rot = "survived";
    this.#world.marks.met("flipped bit did no harm");
  }

  #completeLater(complete: () => void): void {
    const { latencyMinUs, latencyMeanUs } = this.#world.plan.disk;
    const delay = latencyMinUs + this.#latency.exponential(latencyMeanUs);
    const untilUs = Math.max(delay, this.stalledUntil - this.#world.timeline.now);
    this.#later(Math.min(untilUs, lookUs), () => this.#completeAt(untilUs - lookUs, complete));
  }

  /** What waits out a stall looks now and then whether the disk was repaired. */
  #completeAt(leftUs: number, complete: () => void): void {
    const isStalled = this.stalledUntil > this.#world.timeline.now;
    if (leftUs <= 0 || !isStalled) complete();
    else this.#later(Math.min(leftUs, lookUs), () => this.#completeAt(leftUs - lookUs, complete));
  }
}

function diskChance(seed: number, id: number): ConstructorParameters<typeof SimulatedDisk>[0] {
  const chance = new Chance(seed, `disk ${id}`);
  return {
    integer: (below) => chance.below(below),
    chance: (probability) => chance.happens(probability),
    bytes: (length) => Uint8Array.from({ length }, () => chance.below(256)),
  };
}
