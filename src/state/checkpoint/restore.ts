// The way back from a checkpoint: records in, and a machine that cannot be told from the one before.

import { partitionCount } from "../../constants.ts";
import type { Machine } from "../execution/machine.ts";
import type { Origin } from "../execution/origins.ts";
import { ObjectParts } from "../keyspace/object-parts.ts";
import type { Partition } from "../keyspace/partition.ts";
import type { PhysicalDatabase } from "../keyspace/physical-database.ts";
import { type Blob, blockBytes } from "../memory/blob.ts";
import { type CheckpointMeta, mixed } from "./meta.ts";
import { type PartitionRow, RecordDecoder } from "./record.ts";

interface Filling {
  readonly partition: Partition;
  readonly database: PhysicalDatabase;
  readonly row: PartitionRow;
}

/**
 * Fills an empty machine. LevelDB may lose, change or bring back records without an error, so every
 * record is checked by itself (checksum), among its neighbours (positions without a gap), and all of
 * them together (number and digest). With any problem the machine is of no use.
 */
export class Restorer {
  readonly #decoder = new RecordDecoder();
  readonly #machine: Machine;
  readonly #meta: CheckpointMeta;
  readonly #databases = new Map<number, PhysicalDatabase>();
  readonly #origins: Origin[] = [];
  /** Long values that no record has named yet. */
  readonly #objects = new Map<number, ObjectParts>();
  readonly #partitions = new Map<number, Filling>();
  /** The one whose records come. */
  #filling: Filling | undefined;
  #parts = 0;

  constructor(machine: Machine, meta: CheckpointMeta) {
    this.#machine = machine;
    this.#meta = meta;
  }

  /** First. Null, or what is wrong. */
  begin(): string | null {
    const { keyspace } = this.#machine;
    const { databases, nextId, nextPartition } = this.#meta;
    if (databases.length !== keyspace.databases.length) {
      return `the checkpoint has ${databases.length} databases, this program ${keyspace.databases.length}`;
    }
    const ids = databases.map(({ id }) => id);
    keyspace.reset(ids, nextId);
    keyspace.disk.nextPartition = nextPartition;
    keyspace.databases.forEach((database, number) => {
      database.trace = databases[number]?.trace ?? 0;
      this.#databases.set(database.id, database);
    });
    return null;
  }

  /** Then every record, in the order of the keys. Null, or what is wrong. */
  record(recordKey: Buffer, bytes: Buffer): string | null {
    const decoder = this.#decoder;
    const problem = decoder.open(recordKey, bytes);
    if (problem !== null) return problem;
    switch (decoder.place.kind) {
      case "origin":
        return this.#takeOrigin();
      case "part":
        return this.#takePart();
      case "partition":
        return this.#takePartition();
      case "record":
        return this.#takeRecord();
    }
  }

  /** At last. Null, or what is wrong. */
  finish(): string | null {
    const { appliedIndex, logTimeMs, trace, settings, nextObject } = this.#meta;
    const { disk } = this.#machine.keyspace;
    for (const filling of this.#partitions.values()) {
      const problem = problemOf(filling);
      if (problem !== null) return problem;
    }
    const problem = this.#problemOfAll();
    if (problem !== null) return problem;
    // Values of a flushed database, whose memory was not given back when the checkpoint was written.
    for (const { blob } of this.#objects.values()) this.#machine.keyspace.memory.freeBlob(blob);
    disk.nextObject = nextObject;
    disk.dirtyBytes = 0;
    this.#machine.origins.restore(this.#origins);
    this.#machine.restore({ appliedIndex, logTimeMs, trace, settings });
    return null;
  }

  #takeOrigin(): null {
    const { disk } = this.#machine.keyspace;
    const origin = this.#decoder.readOrigin();
    this.#origins.push(origin);
    disk.origins.set(origin.node, this.#decoder.checksum);
    disk.digest ^= mixed(this.#decoder.checksum);
    return null;
  }

  #takePart(): string | null {
    const { place, checksum } = this.#decoder;
    const { memory, disk } = this.#machine.keyspace;
    let parts = this.#objects.get(place.id);
    if (parts === undefined) {
      if (place.id >= this.#meta.nextObject) return `${place.text} has an id that is yet to come`;
      const blob = memory.createBlob();
      parts = new ObjectParts(place.id, blob, disk);
      blob.watcher = parts;
      this.#objects.set(place.id, parts);
    }
    if (place.place !== parts.checksums.length) {
      return `${place.text} follows part ${parts.checksums.length - 1}`;
    }
    parts.blob.write(place.place * blockBytes, this.#decoder.readPart());
    parts.checksums.push(checksum);
    disk.digest ^= mixed(checksum);
    disk.parts++;
    this.#parts++;
    return null;
  }

  #takePartition(): string | null {
    const { place, checksum } = this.#decoder;
    const { disk } = this.#machine.keyspace;
    if (place.id >= this.#meta.nextPartition) return `${place.text} has an id that is yet to come`;
    const row = this.#decoder.readPartition();
    const database = this.#databases.get(row.database);
    if (database === undefined) return `${place.text} is in no database`;
    if (row.number >= partitionCount || database.partition(row.number) !== undefined) {
      return `${place.text} has a wrong number`;
    }
    const partition = database.restorePartition(place.id, row.number);
    partition.row.checksum = checksum;
    disk.digest ^= mixed(checksum);
    disk.partitions++;
    this.#partitions.set(place.id, { partition, database, row });
    return null;
  }

  #takeRecord(): string | null {
    const record = this.#decoder;
    const { place } = record;
    if (this.#filling?.partition.id !== place.id) this.#filling = this.#partitions.get(place.id);
    if (this.#filling === undefined) return `${place.text} is in no partition`;
    const { partition } = this.#filling;
    record.readRecord();
    const { key, expireAt, type } = record;
    const { hasher } = this.#machine.keyspace;
    hasher.take(key);
    if (Number.isNaN(expireAt)) return `${place.text} has an expiry that is no time`;
    if (hasher.partition !== partition.number) return `${place.text} is in the wrong partition`;
    if (place.place !== partition.size) return `${place.text} follows record ${partition.size - 1}`;
    const value = record.object === 0 ? record.value : this.#claim(record.object, record.length);
    if (value === null) return `${place.text} has a value whose parts are not there`;
    if (!partition.restore(key, hasher.hash, type, value, expireAt)) {
      return `${place.text} repeats a key`;
    }
    partition.checksumsFor(place.place + 1)[place.place] = record.checksum;
    partition.digest ^= mixed(record.checksum);
    return null;
  }

  /** The long value with this id, when all of it is there. */
  #claim(id: number, length: number): Blob | null {
    const parts = this.#objects.get(id);
    if (parts === undefined || length > parts.checksums.length * blockBytes) return null;
    const { blob } = parts;
    if (length < blob.length || length <= (parts.checksums.length - 1) * blockBytes) return null;
    if (length > blob.length) blob.extend(length);
    parts.restored();
    this.#objects.delete(id);
    return blob;
  }

  #problemOfAll(): string | null {
    const { keys, origins, parts, partitions, digest } = this.#meta;
    const { databases, disk } = this.#machine.keyspace;
    const found = databases.reduce((sum, { size }) => sum + size, 0);
    if (found !== keys) return `${found} keys are there and should be ${keys}`;
    if (this.#origins.length !== origins) return "there are origins of another checkpoint";
    if (this.#parts !== parts) return `${this.#parts} parts are there and should be ${parts}`;
    if (this.#partitions.size !== partitions) {
      return `${this.#partitions.size} partitions are there and should be ${partitions}`;
    }
    return disk.digest === digest ? null : "there are records of another checkpoint";
  }
}

function problemOf({ partition, row }: Filling): string | null {
  const { id, size, table } = partition;
  if (size !== row.keys) return `partition ${id} has ${size} records and should have ${row.keys}`;
  if (table.expires !== row.expires) {
    return `partition ${id} has ${table.expires} expiries and should have ${row.expires}`;
  }
  if (table.used !== row.used) {
    return `partition ${id} takes ${table.used} bytes and should take ${row.used}`;
  }
  return partition.digest === row.digest
    ? null
    : `partition ${id} has records of another checkpoint`;
}
