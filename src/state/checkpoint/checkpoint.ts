// A checkpoint: the state at one applied index, written while later entries go on changing it.

import { assert } from "../../assert.ts";
import type { Machine } from "../execution/machine.ts";
import type { FrozenPartition, Partition } from "../keyspace/partition.ts";
import type { PartitionFreezer, PhysicalDatabase } from "../keyspace/physical-database.ts";
import { type CheckpointContext, type CheckpointMeta, checkpointFormat, mixed } from "./meta.ts";
import { RecordEncoder } from "./record.ts";

/** Takes records; it has copied the bytes when it returns. */
export interface RecordSink {
  put(key: Buffer, value: Buffer): unknown;
  del(key: Buffer): unknown;
}

/**
 * Invariant: whenever a position of a partition changes, its record as of `appliedIndex` is in the sink or
 * was not due. So the sink ends up with exactly the difference between this checkpoint and the one
 * before, whatever is applied meanwhile. It costs what changed, not what exists.
 */
export class Checkpoint implements PartitionFreezer {
  /** Records put and deleted so far. */
  records = 0;

  readonly #sink: RecordSink;
  readonly #encoder = new RecordEncoder();
  readonly #databases: readonly PhysicalDatabase[];
  /** What is left to do: databases, and the changed partitions of each, last first. */
  readonly #changed: (readonly [PhysicalDatabase, Partition[]])[];
  readonly #head: Omit<CheckpointMeta, "databases">;
  readonly #expires: readonly number[];
  readonly #keys: readonly number[];
  readonly #traces: readonly number[];

  /** Begins at what is applied now, in constant time: nothing is looked at or encoded yet. */
  constructor(machine: Machine, context: CheckpointContext, sink: RecordSink) {
    assert(!machine.isApplying, "a checkpoint holds whole entries");
    const { keyspace } = machine;
    this.#sink = sink;
    this.#databases = [...keyspace.databases];
    this.#keys = this.#databases.map((database) => database.size);
    this.#expires = this.#databases.map((database) => database.expires);
    this.#traces = this.#databases.map((database) => database.trace);
    this.#head = {
      ...context,
      format: checkpointFormat,
      appliedIndex: machine.appliedIndex,
      logTimeMs: machine.logTimeMs,
      origins: machine.origins.list(),
      nextId: keyspace.nextId,
      trace: machine.trace,
      settings: machine.settings.record,
    };
    keyspace.counters.changes = 0;
    this.#changed = this.#databases.map((database) => [database, database.beginGeneration(this)]);
  }

  get appliedIndex(): number {
    return this.#head.appliedIndex;
  }

  /** Encodes about so many records; false when all are. */
  encodeSlice(records: number): boolean {
    for (let left = records; left > 0; ) {
      const database = this.#changed.at(-1);
      if (database === undefined) return false;
      const partition = database[1].at(-1);
      if (partition === undefined) this.#changed.pop();
      else left -= 1 + this.#encodePartition(database[0], partition, left);
    }
    return this.#changed.length > 0;
  }

  freeze(database: PhysicalDatabase, partition: Partition): void {
    assert(partition.frozen === null, "one checkpoint at a time");
    partition.frozen = new FrozenDifference(this, database, partition);
  }

  /** What is written together with the records. Everything is encoded. */
  meta(): CheckpointMeta {
    assert(this.#changed.length === 0, "every record is encoded before the meta");
    const databases = this.#databases.map((database, number) => {
      const keys = this.#keys[number] as number;
      assert(
        database.persisted === keys,
        `${database.persisted} records of database ${number} are on disk for ${keys} keys`,
      );
      return {
        id: database.id,
        keys,
        expires: this.#expires[number] as number,
        digest: database.digest,
        trace: this.#traces[number] as number,
      };
    });
    return { ...this.#head, databases };
  }

  /** For the frozen partitions: one record as it stands. */
  put(database: PhysicalDatabase, partition: Partition, position: number): void {
    const encoder = this.#encoder;
    encoder.encode(database.id, partition, position);
    this.#sink.put(encoder.key, encoder.value);
    database.digest ^= mixed(encoder.checksum);
    this.records++;
  }

  #encodePartition(database: PhysicalDatabase, partition: Partition, max: number): number {
    if (partition.frozen === null) this.freeze(database, partition);
    const done = partition.frozen?.encode(max) ?? 0;
    if (partition.frozen?.isDone) {
      partition.frozen = null;
      this.#changed.at(-1)?.[1].pop();
    }
    return done;
  }

  /** The checksum of the record that was put last. */
  get checksum(): number {
    return this.#encoder.checksum;
  }

  delete(database: PhysicalDatabase, partition: Partition, position: number): void {
    this.#encoder.encodeKey(database.id, partition.number, position);
    this.#sink.del(this.#encoder.key);
    this.records++;
  }
}

/** What one partition has to write: its dirty positions, and the deletion of those it no longer has. */
class FrozenDifference implements FrozenPartition {
  readonly #partition: Partition;
  readonly #checkpoint: Checkpoint;
  readonly #database: PhysicalDatabase;
  /** Bits of the positions that are still to be encoded. */
  readonly #dirty: number[];
  readonly #length: number;
  /** Positions on disk before this checkpoint. */
  readonly #before: number;
  /** The next word of `#dirty` to look at, and the next position to delete. */
  #word = 0;
  #gone: number;

  constructor(checkpoint: Checkpoint, database: PhysicalDatabase, partition: Partition) {
    this.#partition = partition;
    this.#checkpoint = checkpoint;
    this.#database = database;
    this.#dirty = partition.takeDirty();
    this.#length = partition.size;
    this.#before = partition.persisted;
    this.#gone = this.#length;
    partition.persisted = this.#length;
    database.persisted += this.#length - this.#before;
  }

  get isDone(): boolean {
    return this.#word >= this.#dirty.length && this.#gone >= this.#before;
  }

  preserve(position: number): void {
    if (position >= this.#length) return;
    const word = position >>> 5;
    const bit = 1 << (position & 31);
    const bits = this.#dirty[word];
    if (bits === undefined || (bits & bit) === 0) return;
    this.#dirty[word] = bits & ~bit;
    this.#put(position);
  }

  /** At most `max` records; returns how many there were. */
  encode(max: number): number {
    let done = 0;
    for (; this.#word < this.#dirty.length; this.#word++) {
      let bits = this.#dirty[this.#word] as number;
      for (; bits !== 0 && done < max; bits &= bits - 1) {
        const position = this.#word * 32 + (31 - Math.clz32(bits & -bits));
        if (position >= this.#length) continue;
        this.#put(position);
        done++;
      }
      this.#dirty[this.#word] = bits;
      if (bits !== 0) return done;
    }
    for (; this.#gone < this.#before && done < max; this.#gone++, done++) this.#delete(this.#gone);
    return done;
  }

  #put(position: number): void {
    const checksums = this.#partition.checksumsFor(this.#length);
    if (position < this.#before) this.#database.digest ^= mixed(checksums[position] as number);
    this.#checkpoint.put(this.#database, this.#partition, position);
    checksums[position] = this.#checkpoint.checksum;
  }

  #delete(position: number): void {
    const checksums = this.#partition.checksumsFor(this.#before);
    this.#database.digest ^= mixed(checksums[position] as number);
    this.#checkpoint.delete(this.#database, this.#partition, position);
  }
}
