// The way back from a checkpoint: records in, and a machine that cannot be told from the one before.

import type { Machine } from "../execution/machine.ts";
import type { PhysicalDatabase } from "../keyspace/physical-database.ts";
import { type CheckpointMeta, mixed } from "./meta.ts";
import { RecordDecoder } from "./record.ts";

/**
 * Fills an empty machine. LevelDB may lose, change or bring back records without an error, so every
 * record is checked by itself (checksum), among its neighbours (positions without a gap), and all of
 * them together (number and digest). With any problem the machine is of no use.
 */
export class Restorer {
  /** Ids of flushed databases whose records are still on disk. */
  readonly leftovers = new Set<number>();

  readonly #decoder = new RecordDecoder();
  readonly #machine: Machine;
  readonly #meta: CheckpointMeta;
  readonly #databases = new Map<number, PhysicalDatabase>();

  constructor(machine: Machine, meta: CheckpointMeta) {
    this.#machine = machine;
    this.#meta = meta;
  }

  /** First. Null, or what is wrong. */
  begin(): string | null {
    const { keyspace } = this.#machine;
    const { databases, nextId } = this.#meta;
    if (databases.length !== keyspace.databases.length) {
      return `the checkpoint has ${databases.length} databases, this program ${keyspace.databases.length}`;
    }
    const ids = databases.map(({ id }) => id);
    keyspace.reset(ids, nextId);
    for (const database of keyspace.databases) this.#databases.set(database.id, database);
    return null;
  }

  /** Then every record, in the order of the keys. Null, or what is wrong. */
  record(recordKey: Buffer, bytes: Buffer): string | null {
    const record = this.#decoder;
    if (!record.decodeKey(recordKey)) return `unknown record key ${recordKey.toString("hex")}`;
    const database = this.#databases.get(record.database);
    if (database === undefined) {
      this.leftovers.add(record.database);
      return null;
    }
    return record.decodeValue(bytes) ?? this.#take(database);
  }

  /** At last. Null, or what is wrong. */
  finish(): string | null {
    const { appliedIndex, logTimeMs, origins, databases, trace: replies, settings } = this.#meta;
    for (const { id, keys, expires, digest, trace } of databases) {
      const database = this.#databases.get(id) as PhysicalDatabase;
      if (database.size !== keys) {
        return `database ${id} has ${database.size} records and should have ${keys}`;
      }
      if (database.expires !== expires) {
        return `database ${id} has ${database.expires} expiries and should have ${expires}`;
      }
      database.trace = trace;
      if (database.digest !== digest) return `database ${id} has records of another checkpoint`;
    }
    this.#machine.origins.restore(origins);
    this.#machine.restore({ appliedIndex, logTimeMs, trace: replies, settings });
    return null;
  }

  #take(database: PhysicalDatabase): string | null {
    const record = this.#decoder;
    const { key, expireAt, position, checksum } = record;
    const { hasher } = this.#machine.keyspace;
    hasher.take(key);
    if (Number.isNaN(expireAt)) return `${record.place} has an expiry that is no time`;
    if (hasher.partition !== record.partition) return `${record.place} is in the wrong partition`;
    const partition = database.ensurePartition(record.partition);
    if (position !== partition.size) return `${record.place} follows record ${partition.size - 1}`;
    if (!partition.restore(key, hasher.hash, record.value, expireAt)) {
      return `${record.place} repeats a key`;
    }
    partition.checksumsFor(position + 1)[position] = checksum;
    database.count(1);
    database.persisted++;
    database.digest ^= mixed(checksum);
    if (expireAt !== undefined) database.expires++;
    if (typeof expireAt === "number") database.timed++;
    return null;
  }
}
