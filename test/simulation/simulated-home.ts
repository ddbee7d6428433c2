// Where a simulated node keeps its checkpoint, for snapshots: views of it, and others that come in.

import type { CheckpointHome } from "../../src/node/snapshots/checkpoint-home.ts";
import type { SnapshotPoint } from "../../src/raft/core/types.ts";
import { ChunkBuilder, ChunkReader } from "../../src/state/checkpoint/chunk.ts";
import { type CheckpointMeta, decodeMeta, encodeMeta } from "../../src/state/checkpoint/meta.ts";
import type { CheckpointView, RecordChunk } from "../../src/state/checkpoint/transfer.ts";
import type { Machine } from "../../src/state/execution/machine.ts";
import { type CheckpointDisk, restore, type Stored } from "./checkpoint-disk.ts";

/** One operation of the disk: resolves in virtual time, or never when the process is gone by then. */
export type Wait = () => Promise<void>;

type RestartMark = Pick<SnapshotPoint, "index" | "term" | "membership">;

/** Small, so that a snapshot of a few keys takes several chunks. */
const chunkBytes = 200;

export class SimulatedHome {
  /** The log has to restart behind the checkpoint before anything else. */
  mark: RestartMark | null = null;
  readonly #disk: CheckpointDisk;
  readonly #wait: Wait;

  /** Called between the switch of the checkpoint and the restart of the log: a good moment for a crash. */
  readonly #switched: () => void;

  constructor(disk: CheckpointDisk, wait: Wait, switched: () => void) {
    this.#disk = disk;
    this.#wait = wait;
    this.#switched = switched;
  }

  async view(): Promise<CheckpointView | null> {
    await this.#wait();
    const { stored } = this.#disk;
    return stored === null ? null : new SimulatedView(stored, this.#wait);
  }

  async stage(metaBytes: Buffer): Promise<SimulatedStage> {
    await this.#wait();
    return new SimulatedStage(metaBytes, this.#wait);
  }

  /** The switch is one step: before it the old checkpoint counts, after it the new one with its mark. */
  async replace(staged: SimulatedStage, point: SnapshotPoint): Promise<void> {
    await this.#wait();
    this.#disk.replace(staged.stored);
    this.mark = point;
    this.#switched();
    await this.#wait();
  }

  async restarted(): Promise<void> {
    await this.#wait();
    this.mark = null;
  }

  /** The part that src/node/snapshots uses. */
  get asHome(): CheckpointHome {
    return this as unknown as CheckpointHome;
  }
}

class SimulatedView implements CheckpointView {
  readonly meta: CheckpointMeta;
  readonly metaBytes: Buffer;
  readonly #keys: readonly string[];
  readonly #stored: Stored;
  readonly #wait: Wait;

  constructor(stored: Stored, wait: Wait) {
    this.meta = stored.meta;
    this.metaBytes = encodeMeta(stored.meta);
    this.#stored = stored;
    this.#keys = [...stored.records.keys()].sort();
    this.#wait = wait;
  }

  async read(after: Buffer | null): Promise<RecordChunk | null> {
    await this.#wait();
    const from = after === null ? "" : after.toString("latin1");
    const builder = new ChunkBuilder(chunkBytes);
    for (const key of this.#keys) {
      if (key <= from) continue;
      const value = this.#stored.records.get(key) as Buffer;
      if (!builder.add(Buffer.from(key, "latin1"), value)) break;
    }
    return builder.take();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** The same duties as the staged checkpoint of src/state/checkpoint/transfer.ts, without its disk. */
export class SimulatedStage {
  lastKey: Buffer = Buffer.alloc(0);
  readonly #records = new Map<string, Buffer>();
  readonly #meta: CheckpointMeta;
  readonly #wait: Wait;

  constructor(metaBytes: Buffer, wait: Wait) {
    const meta = decodeMeta(metaBytes);
    if (typeof meta === "string") throw new Error(meta);
    this.#meta = meta;
    this.#wait = wait;
  }

  get stored(): Stored {
    return { records: this.#records, meta: this.#meta };
  }

  async append(chunk: Buffer): Promise<string | null> {
    const copy = Buffer.from(chunk);
    await this.#wait();
    const reader = new ChunkReader(copy);
    while (reader.next()) {
      if (Buffer.compare(reader.key, this.lastKey) <= 0) return "a record is out of order";
      this.#records.set(reader.key.toString("latin1"), Buffer.from(reader.value));
      this.lastKey = Buffer.from(reader.key);
    }
    return reader.problem;
  }

  async finish(machine: Machine): Promise<string | null> {
    await this.#wait();
    return restore(machine, this.stored);
  }

  close(): Promise<void> {
    return this.#wait();
  }
}
