// A checkpoint: the state at one applied index, written while later entries go on changing it.

import { assert } from "../../assert.ts";
import { redoWaitingBytesMax } from "../../constants.ts";
import type { Machine } from "../execution/machine.ts";
import type { Origin } from "../execution/origins.ts";
import type { DiskAccount, PartWriter } from "../keyspace/disk-account.ts";
import { ObjectParts } from "../keyspace/object-parts.ts";
import type { FrozenPartition, Partition, RowOnDisk } from "../keyspace/partition.ts";
import type { PartitionFreezer, PhysicalDatabase } from "../keyspace/physical-database.ts";
import type { Memory } from "../memory/memory.ts";
import { type CheckpointContext, type CheckpointMeta, checkpointFormat, mixed } from "./meta.ts";
import { RecordEncoder } from "./record.ts";
import { type RecordKind, recordKey } from "./record-key.ts";

/** What going to a partition costs in a slice, beside the bytes of its records: about that of a small record. */
const partitionCost = 64;

/** Takes what a checkpoint changes; it has copied the bytes when it returns. */
export interface RecordSink {
  put(key: Buffer, value: Buffer): void;
  del(key: Buffer): void;
  /** What it has copied and still holds in memory. */
  readonly waitingBytes: number;
  /** Deletes all records with keys in [from, to). */
  clearRange(from: Buffer, to: Buffer): void;
}

/**
 * Invariant: whenever a position of a partition, or a part of a long value, changes, its record as of `appliedIndex` is
 * in the sink or was not due. So the sink ends up with exactly the difference between this checkpoint and the one
 * before, whatever is applied meanwhile. It costs what changed, not what exists.
 */
export class Checkpoint implements PartitionFreezer, PartWriter {
  /** Records put and deleted so far. */
  records = 0;

  readonly #sink: RecordSink;
  readonly #encoder = new RecordEncoder();
  readonly #memory: Memory;
  readonly #disk: DiskAccount;
  /** What is left to do: what is gone, origins, long values, and the changed partitions of each database, last first. */
  readonly #goneObjects: ObjectParts[];
  readonly #goneRows: RowOnDisk[];
  readonly #origins: Origin[];
  readonly #objects: ObjectParts[] = [];
  readonly #changed: (readonly [PhysicalDatabase, Partition[]])[];
  readonly #head: Omit<CheckpointMeta, "digest" | "parts" | "partitions" | "origins">;

  /** Begins at what is applied now, in constant time: nothing is looked at or encoded yet. */
  constructor(machine: Machine, context: CheckpointContext, sink: RecordSink) {
    assert(!machine.isApplying, "a checkpoint holds whole entries");
    const { keyspace } = machine;
    this.#sink = sink;
    this.#memory = keyspace.memory;
    this.#disk = keyspace.disk;
    this.#disk.generation++;
    this.#disk.checkpoint = this;
    const gone = this.#disk.takeGone();
    this.#goneObjects = gone.objects;
    this.#goneRows = gone.rows;
    this.#origins = machine.origins.list();
    this.#head = {
      ...context,
      format: checkpointFormat,
      appliedIndex: machine.appliedIndex,
      logTimeMs: machine.logTimeMs,
      trace: machine.trace,
      databases: keyspace.databases.map(({ id, trace }) => ({ id, trace })),
      keys: keyspace.databases.reduce((sum, { size }) => sum + size, 0),
      nextId: keyspace.nextId,
      nextPartition: this.#disk.nextPartition,
      nextObject: this.#disk.nextObject,
      settings: machine.settings.record,
    };
    keyspace.counters.changes = 0;
    this.#disk.dirtyBytes = 0;
    this.#changed = keyspace.databases.map((database) => [
      database,
      database.beginGeneration(this),
    ]);
  }

  get appliedIndex(): number {
    return this.#head.appliedIndex;
  }

  get isBehind(): boolean {
    return this.#sink.waitingBytes > redoWaitingBytesMax;
  }

  /** A flushed database takes memory only because it is not written yet. */
  get isHoldingMemory(): boolean {
    return this.#changed.some(([database]) => database.isHeld);
  }

  /** Encodes records of about so many bytes; false when all are encoded. */
  encodeSlice(bytes: number): boolean {
    for (let left = bytes; left > 0; ) {
      const cost = this.#step(left);
      if (cost === 0) return false;
      left -= cost;
    }
    return true;
  }

  /** Before the first change of the partition since the checkpoint began. */
  freeze(partition: Partition): void {
    assert(partition.frozen === null, "one checkpoint at a time");
    partition.frozen = new FrozenDifference(this, partition);
  }

  /** What is written together with the records. Everything is encoded. */
  meta(): CheckpointMeta {
    assert(this.#step(1) === 0, "every record is encoded before the meta");
    const { digest, parts, partitions, origins } = this.#disk;
    this.#disk.checkpoint = null;
    return { ...this.#head, digest, parts, partitions, origins: origins.size };
  }

  // --- For frozen partitions and objects -------------------------------------------------------

  /** The record at a position as it stands. Returns its bytes. */
  put(partition: Partition, position: number): number {
    const { records } = this.#memory;
    const address = partition.table.addressAt(position);
    const parts = partsOf(records.valueBlob(address)?.watcher);
    this.#encoder.encodeRecord(partition.id, position, records, address, parts);
    if (parts !== null) this.#holdObject(parts);
    return this.#put();
  }

  delete(partition: Partition, position: number): number {
    return this.#delete("record", partition.id, position);
  }

  putPart(parts: ObjectParts, part: number): number {
    this.#encoder.encodePart(parts, part);
    const before = parts.checksums[part];
    if (before === undefined) this.#disk.parts++;
    this.#account(before);
    parts.written(part, this.checksum);
    return this.#put();
  }

  putRow(partition: Partition, keys: number, expires: number, used: number): number {
    const { id, number, digest, row } = partition;
    const database = partition.database;
    this.#encoder.encodePartition(id, { database, number, keys, expires, used, digest });
    if (row.checksum === undefined) this.#disk.partitions++;
    this.#account(row.checksum);
    row.checksum = this.checksum;
    return this.#put();
  }

  /** The checksum of the record that was encoded last. */
  get checksum(): number {
    return this.#encoder.checksum;
  }

  // ---------------------------------------------------------------------------------------------

  /** One piece of what is left, of about so many bytes at most. Returns what it cost; 0 when nothing is left. */
  #step(bytes: number): number {
    const object = this.#objects.at(-1);
    if (object !== undefined) return this.#encodeObject(object);
    const goneObject = this.#goneObjects.pop();
    if (goneObject !== undefined) return this.#forgetObject(goneObject);
    const goneRow = this.#goneRows.pop();
    if (goneRow !== undefined) return this.#forgetPartition(goneRow);
    const origin = this.#origins.pop();
    if (origin !== undefined) return this.#encodeOrigin(origin);
    for (
      let changed = this.#changed.at(-1);
      changed !== undefined;
      changed = this.#changed.at(-1)
    ) {
      const [database, partitions] = changed;
      const partition = partitions.at(-1);
      if (partition !== undefined) return this.#encodePartition(database, partitions, bytes);
      database.endGeneration();
      this.#changed.pop();
    }
    return 0;
  }

  #encodePartition(database: PhysicalDatabase, partitions: Partition[], bytes: number): number {
    const partition = partitions.at(-1) as Partition;
    if (partition.frozen === null) this.freeze(partition);
    const done = partition.frozen?.encode(bytes) ?? 0;
    if (partition.frozen?.isDone) {
      partition.frozen = null;
      partitions.pop();
      database.written(partition);
    }
    return partitionCost + done;
  }

  /** Its parts follow, piece by piece; until then it must not go. */
  #holdObject(parts: ObjectParts): void {
    parts.freeze();
    if (parts.blob.isHeld || parts.nextFrozen() === -1) return;
    parts.blob.isHeld = true;
    this.#objects.push(parts);
  }

  #encodeObject(parts: ObjectParts): number {
    const part = parts.nextFrozen();
    if (part !== -1) return this.putPart(parts, part);
    this.#objects.pop();
    this.#memory.letGo(parts.blob);
    return partitionCost;
  }

  /** One part after the other: a range for each object would cost LevelDB a walk, and most have few parts. */
  #forgetObject({ id, checksums }: ObjectParts): number {
    checksums.forEach((checksum, part) => {
      if (checksum === undefined) return;
      this.#account(checksum, false);
      this.#disk.parts--;
      this.#delete("part", id, part);
    });
    return partitionCost * checksums.length;
  }

  #forgetPartition({ id, checksum }: RowOnDisk): number {
    if (checksum === undefined) return partitionCost; // It never came to the disk.
    this.#sink.clearRange(recordKey("record", id), recordKey("record", id + 1));
    this.#sink.del(recordKey("partition", id));
    this.#account(checksum, false);
    this.#disk.partitions--;
    this.records++;
    return partitionCost;
  }

  #encodeOrigin(origin: Origin): number {
    const { origins } = this.#disk;
    this.#encoder.encodeOrigin(origin);
    const before = origins.get(origin.node);
    if (before === this.checksum) return partitionCost;
    this.#account(before);
    origins.set(origin.node, this.checksum);
    return this.#put();
  }

  /** A record beside those of keys goes, with its checksum; the one that was encoded last comes in its place. */
  #account(before: number | undefined, comesAnother = true): void {
    if (before !== undefined) this.#disk.digest ^= mixed(before);
    if (comesAnother) this.#disk.digest ^= mixed(this.checksum);
  }

  #delete(kind: RecordKind, id: number, place = 0): number {
    this.#encoder.encodeKey(kind, id, place);
    this.#sink.del(this.#encoder.key);
    this.records++;
    return this.#encoder.key.length;
  }

  #put(): number {
    const { key, value } = this.#encoder;
    this.#sink.put(key, value);
    this.records++;
    return key.length + value.length;
  }
}

function partsOf(watcher: unknown): ObjectParts | null {
  return watcher instanceof ObjectParts ? watcher : null;
}

/** What one partition has to write: its dirty positions, the deletion of those it no longer has, and its row. */
class FrozenDifference implements FrozenPartition {
  readonly #partition: Partition;
  readonly #checkpoint: Checkpoint;
  /** Bits of the positions that are still to be encoded. */
  readonly #dirty: number[];
  readonly #length: number;
  readonly #expires: number;
  readonly #used: number;
  /** Positions on disk before this checkpoint. */
  readonly #before: number;
  /** The next word of `#dirty` to look at, and the next position to delete. */
  #word = 0;
  #gone: number;
  #isDone = false;

  constructor(checkpoint: Checkpoint, partition: Partition) {
    this.#partition = partition;
    this.#checkpoint = checkpoint;
    this.#dirty = partition.takeDirty();
    this.#length = partition.size;
    this.#expires = partition.table.expires;
    this.#used = partition.table.used;
    this.#before = partition.persisted;
    this.#gone = this.#length;
    partition.persisted = this.#length;
  }

  get isDone(): boolean {
    return this.#isDone;
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

  encode(bytes: number): number {
    let done = 0;
    for (; this.#word < this.#dirty.length; this.#word++) {
      let bits = this.#dirty[this.#word] as number;
      for (; bits !== 0 && done < bytes; bits &= bits - 1) {
        const position = this.#word * 32 + (31 - Math.clz32(bits & -bits));
        if (position < this.#length) done += this.#put(position);
      }
      this.#dirty[this.#word] = bits;
      if (bits !== 0) return done;
    }
    for (; this.#gone < this.#before; this.#gone++) {
      if (done >= bytes) return done;
      done += this.#delete(this.#gone);
    }
    this.#isDone = true;
    return done + this.#checkpoint.putRow(this.#partition, this.#length, this.#expires, this.#used);
  }

  #put(position: number): number {
    const partition = this.#partition;
    const checksums = partition.checksumsFor(this.#length);
    if (position < this.#before) partition.digest ^= mixed(checksums[position] as number);
    const bytes = this.#checkpoint.put(partition, position);
    checksums[position] = this.#checkpoint.checksum;
    partition.digest ^= mixed(this.#checkpoint.checksum);
    return bytes;
  }

  #delete(position: number): number {
    const checksums = this.#partition.checksumsFor(this.#before);
    this.#partition.digest ^= mixed(checksums[position] as number);
    return this.#checkpoint.delete(this.#partition, position);
  }
}
