// Checkpoints of one simulated node, in memory: replaced in one step, late, or by a crash not at all.

import { Checkpoint, type RecordSink } from "../../src/state/checkpoint/checkpoint.ts";
import {
  type CheckpointContext,
  type CheckpointMeta,
  decodeMeta,
  encodeMeta,
} from "../../src/state/checkpoint/meta.ts";
import { Restorer } from "../../src/state/checkpoint/restore.ts";
import type { Machine } from "../../src/state/execution/machine.ts";
import { ensure, type World } from "./world.ts";

/** Bytes of one slice, a few records; between slices the node goes on applying. */
const sliceBytes = 100;
const sliceUs = 300;
const syncUs = 5_000;

type Change = (records: Map<string, Buffer>) => void;

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
  /** The redo file under way. */
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
    this.#encode(new Checkpoint(machine, begins(), sinkOf(this.#changes)));
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
      if (checkpoint.encodeSlice(sliceBytes)) {
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

  /** The switch: the redo file has its name. */
  #commit(): void {
    if (this.#writing === null) return;
    const records = new Map(this.#stored?.records);
    for (const change of this.#changes) change(records);
    this.#stored = { records, meta: this.#writing };
    this.#writing = null;
    this.#changes = [];
  }

  /** The process is gone: a redo file that was about to get its name has it, or not. */
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

function sinkOf(changes: Change[]): RecordSink {
  return {
    put(key, value) {
      const [of, bytes] = [name(key), Buffer.from(value)];
      changes.push((records) => records.set(of, bytes));
    },
    del(key) {
      const of = name(key);
      changes.push((records) => records.delete(of));
    },
    waitingBytes: 0,
    clearRange(from, to) {
      const [first, end] = [name(from), name(to)];
      changes.push((records) => {
        for (const key of records.keys()) if (key >= first && key < end) records.delete(key);
      });
    },
  };
}

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
