// All databases of a node with their clock: who lives, who dies when, which number means what.

import { assert } from "../../assert.ts";
import { databaseCount } from "../../constants.ts";
import { Memory } from "../memory/memory.ts";
import type { DenseTable } from "../memory/table.ts";
import { DiskAccount } from "./disk-account.ts";
import { KeyHasher } from "./key-hash.ts";
import { Partition } from "./partition.ts";
import { PhysicalDatabase } from "./physical-database.ts";

/** 4 KiB of bytes cost about as much as a quick request. */
const costShift = 12;

/** Of this node alone, for INFO: neither replicated nor persisted. */
export interface KeyspaceCounters {
  expiredKeys: number;
  hits: number;
  misses: number;
  /** Changes since the last checkpoint began, as rdb_changes_since_last_save. */
  changes: number;
}

/**
 * Log time decides alone who is dead; the clock of a read only finds out that a key is due
 * (ARCHITECTURE.md: expiry is a function of the log).
 */
export class Keyspace {
  readonly counters: KeyspaceCounters = { expiredKeys: 0, hits: 0, misses: 0, changes: 0 };
  /** By database number. SWAPDB and FLUSHDB change what stands here, and move no key. */
  readonly databases: PhysicalDatabase[] = [];
  /** The id of the next physical database; the flushed ones' are never used again. */
  nextId = 0;

  /** Where all keys and values lie, and what checkpoints know of them. */
  memory: Memory;
  disk: DiskAccount;
  /** By it the keys are found that lie there: it changes with them. */
  hasher: KeyHasher;

  /**
   * What was done with long keys and values since somebody set this to 0, in units about as expensive as a quick
   * request: whoever runs requests looks at the clock by it.
   */
  cost = 0;

  logTimeMs = 0;
  /** Log time while an entry is applied; the clock of the read while one is read. */
  nowMs = 0;
  reading = false;
  /** The present read met a key that is due by its clock, and alive by log time. */
  metDue = false;

  /** `hashSeed`: see KeyHasher. */
  constructor(count = databaseCount, hashSeed = 0) {
    this.hasher = new KeyHasher(hashSeed);
    this.memory = new Memory(this.hasher);
    const disk = new DiskAccount();
    this.disk = disk;
    this.memory.watch = (blob) => disk.watch(blob);
    for (let number = 0; number < count; number++) this.#put(number);
  }

  /** Bytes of all keys and values, from lengths alone: equal on every node. */
  get used(): number {
    let used = 0;
    for (const database of this.databases) used += database.used;
    return used;
  }

  database(number: number): PhysicalDatabase {
    const database = this.databases[number];
    assert(database !== undefined, `database ${number} exists`);
    return database;
  }

  /** Log time never falls: a new leader's clock may be behind. */
  advance(timeMs: number): void {
    if (timeMs > this.logTimeMs) this.logTimeMs = timeMs;
    this.nowMs = this.logTimeMs;
    this.reading = false;
  }

  beginRead(clockMs: number): void {
    this.nowMs = Math.max(clockMs, this.logTimeMs);
    this.reading = true;
    this.metDue = false;
  }

  /** Whatever looks at the state between two entries sees it by log time. */
  endRead(): void {
    this.nowMs = this.logTimeMs;
    this.reading = false;
  }

  /** Whether the key of a record is dead. Also notes when it is due for the present read. */
  isDead(address: number): boolean {
    const at = this.memory.records.dueMs(address);
    if (at <= this.logTimeMs) return true;
    if (at <= this.nowMs) this.metDue = true;
    return false;
  }

  /** FLUSHDB: an empty database takes the number, whatever the old one held. */
  clear(number: number): void {
    const database = this.database(number);
    if (database.size === 0) return;
    this.counters.changes += database.size;
    database.drop();
    this.#put(number);
  }

  swap(a: number, b: number): void {
    const database = this.database(a);
    this.databases[a] = this.database(b);
    this.databases[b] = database;
    this.counters.changes++;
  }

  /**
   * Removes at most `max` keys that are due by log time, in the order in which they fell due: by (time, partition, key),
   * which is equal on every node whatever the order in which the expiries came.
   */
  removeDue(max: number): void {
    for (let removed = 0; removed < max && this.#firstDueMs() <= this.logTimeMs; removed++) {
      const { due } = this.memory;
      this.#remove(partitionOf(this.memory.tableOf(due.firstAddress)), due.firstAddress);
      this.counters.expiredKeys++;
      this.counters.changes++;
    }
  }

  /** When the next key falls due (Unix ms; perhaps long ago); undefined when none ever does. */
  nextDueAt(): number | undefined {
    const at = this.#firstDueMs();
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  /** So many bytes of one key or value are hashed, copied or written. */
  spend(bytes: number): void {
    this.cost += bytes >>> costShift;
  }

  /** Gives back the memory of about so many keys of flushed databases. False: there are none left. */
  reclaim(keys: number): boolean {
    return this.memory.reclaim(keys);
  }

  /** For the restart: exactly these databases, in the order of their numbers, still empty. */
  reset(ids: readonly number[], nextId: number): void {
    this.databases.length = 0;
    ids.forEach((id, number) => {
      this.nextId = id;
      this.#put(number);
    });
    this.nextId = nextId;
  }

  /** Takes over all that another keyspace holds, which is of no use afterwards. */
  adopt(other: Keyspace): void {
    assert(
      other.databases.length === this.databases.length,
      `${other.databases.length} databases take the place of ${this.databases.length}`,
    );
    this.databases.splice(0, this.databases.length, ...other.databases);
    this.nextId = other.nextId;
    this.memory = other.memory;
    this.disk = other.disk;
    this.hasher = other.hasher;
    this.counters.changes = other.counters.changes;
    this.advance(other.logTimeMs);
  }

  /** Throws when an invariant does not hold. For tests. */
  check(): void {
    for (const database of this.databases) database.check();
  }

  #put(number: number): void {
    this.databases[number] = new PhysicalDatabase(this.nextId++, this.memory, this.disk);
  }

  /** Infinity when nothing ever falls due. Records of flushed databases, which do not any more, are passed over. */
  #firstDueMs(): number {
    const { due } = this.memory;
    while (due.size > 0) {
      const address = due.firstAddress;
      const table = this.memory.tableOf(address);
      if (table.isDropped) table.forgetDue(address);
      else if (partitionOf(table).isLeft) this.#remove(partitionOf(table), address);
      else break;
    }
    return due.firstTimeMs;
  }

  #remove(partition: Partition, address: number): void {
    const key = this.memory.records.key(address);
    partition.remove(partition.find(key, this.hasher.hashOf(key)));
  }
}

function partitionOf(table: DenseTable): Partition {
  assert(table.owner instanceof Partition, "only keys of partitions fall due");
  return table.owner;
}
