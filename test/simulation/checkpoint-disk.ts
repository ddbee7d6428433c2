// Checkpoints of one simulated node, in memory: replaced in one step, late, or by a crash not at all.

import { Checkpoint } from "../../src/state/checkpoint/checkpoint.ts";
import {
  type CheckpointContext,
  type CheckpointMeta,
  decodeMeta,
  encodeMeta,
} from "../../src/state/checkpoint/meta.ts";
import { Restorer } from "../../src/state/checkpoint/restore.ts";
import type { Machine } from "../../src/state/execution/machine.ts";
import { ensure, type World } from "./world.ts";

/** Records of one slice; between slices the node goes on applying. */
const sliceRecords = 3;
const sliceUs = 300;
const syncUs = 5_000;

type Change = readonly [key: string, value: Buffer | null];

/** A whole checkpoint. Keys are binary strings, so that their order is that of the bytes. */
export interface Stored {
  readonly records: ReadonlyMap<string, Buffer>;
  readonly meta: CheckpointMeta;
}

export interface CheckpointDiskOptions {
  readonly world: World;
  /** Runs what belongs to the node's process, unless that is gone by then. */
  readonly later: (delay: number, act: () => void) => void;
  /** A checkpoint begins, at what is applied now. */
  readonly begins: () => CheckpointContext;
  /** It is on disk: the log up to there is not needed any more. */
  readonly written: (appliedIndex: number) => void;
}

export class CheckpointDisk {
  readonly #options: CheckpointDiskOptions;
  /** What is on disk. */
  #stored: Stored | null = null;
  /** The batch under way. */
  #changes: Change[] = [];
  #writing: CheckpointMeta | null = null;
  #isRunning = false;
  #isHeld = false;
  #bytesSince = 0;
  #whenIdle: (() => void)[] = [];

  constructor(options: CheckpointDiskOptions) {
    this.#options = options;
  }

  get stored(): Stored | null {
    return this.#stored;
  }

  /** Another checkpoint takes the place of this one, in one step. */
  replace(stored: Stored): void {
    this.#stored = stored;
  }

  /** Entries of so many bytes were applied: time for a checkpoint, perhaps. */
  applied(bytes: number, machine: Machine): void {
    const { world, begins } = this.#options;
    this.#bytesSince += bytes;
    if (this.#bytesSince < world.plan.checkpointBytes || this.#isRunning || this.#isHeld) return;
    this.#bytesSince = 0;
    this.#isRunning = true;
    this.#changes = [];
    const sink = {
      put: (key: Buffer, value: Buffer) => this.#changes.push([name(key), Buffer.from(value)]),
      del: (key: Buffer) => this.#changes.push([name(key), null]),
    };
    this.#encode(new Checkpoint(machine, begins(), sink));
  }

  /** Work that no checkpoint may be written beside. */
  async alone(work: () => Promise<void>): Promise<void> {
    this.#isHeld = true;
    if (this.#isRunning) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    await work();
    this.#isHeld = false;
  }

  #encode(checkpoint: Checkpoint): void {
    const { world, later } = this.#options;
    later(sliceUs, () => {
      world.steps += 1;
      if (checkpoint.encodeSlice(sliceRecords)) {
        this.#encode(checkpoint);
        return;
      }
      this.#writing = checkpoint.meta();
      later(syncUs, () => this.#finish(checkpoint.appliedIndex));
    });
  }

  #finish(appliedIndex: number): void {
    const { world, written } = this.#options;
    world.steps += 1;
    world.wantsDrain = true;
    this.#commit();
    this.#isRunning = false;
    written(appliedIndex);
    for (const resume of this.#whenIdle.splice(0)) resume();
  }

  /** One atomic, synced batch. */
  #commit(): void {
    if (this.#writing === null) return;
    const records = new Map(this.#stored?.records);
    for (const [key, value] of this.#changes) {
      if (value === null) records.delete(key);
      else records.set(key, value);
    }
    this.#stored = { records, meta: this.#writing };
    this.#writing = null;
    this.#changes = [];
  }

  /** The process is gone: a batch that was on its way to the disk is there as a whole, or not at all. */
  end(): void {
    if (this.#isRunning) {
      const isThere = this.#writing !== null && this.#writing.appliedIndex % 2 === 0;
      if (isThere) this.#commit();
      else this.#options.world.marks.met("checkpoint lost in a crash");
    }
    this.#isRunning = false;
    this.#isHeld = false;
    this.#writing = null;
    this.#changes = [];
    this.#whenIdle = [];
    this.#bytesSince = 0;
  }
}

const name = (key: Buffer): string => key.toString("latin1");

/** Fills an empty machine. Null, or what is wrong. */
export function restore(machine: Machine, { records, meta: written }: Stored): string | null {
  const meta = decodeMeta(encodeMeta(written));
  if (typeof meta === "string") return meta;
  const restorer = new Restorer(machine, meta);
  let problem = restorer.begin();
  for (const key of [...records.keys()].sort()) {
    problem ??= restorer.record(Buffer.from(key, "latin1"), records.get(key) as Buffer);
  }
  return problem ?? restorer.finish();
}

/** What a node starts from; nothing when there is no checkpoint yet. */
export function restoreAtStart(machine: Machine, stored: Stored | null): void {
  const problem = stored === null ? null : restore(machine, stored);
  ensure(problem === null, "checkpoint", () => `a checkpoint can be loaded: ${problem}`);
}
