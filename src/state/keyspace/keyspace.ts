// All databases of a node with their clock: who lives, who dies when, which number means what.

import { assert } from "../../assert.ts";
import { databaseCount } from "../../constants.ts";
import type { Bytes } from "../../resp/reply.ts";
import { Memory } from "../memory/memory.ts";
import { AccessClock, type Counted } from "./access-clock.ts";
import { DiskAccount } from "./disk-account.ts";
import { type EvictionPolicy, noEviction } from "./eviction-policy.ts";
import { KeyHasher } from "./key-hash.ts";
import { Partition } from "./partition.ts";
import { PhysicalDatabase } from "./physical-database.ts";

/** 4 KiB of bytes cost about as much as a quick request. */
const costShift = 12;

/** Keys that are due and go in one step. */
const dueKeysPerStep = 64;

/** Of this node alone, for INFO: neither replicated nor persisted. */
export interface KeyspaceCounters {
  expiredKeys: number;
  evictedKeys: number;
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
  readonly counters: KeyspaceCounters = {
    ...{ expiredKeys: 0, evictedKeys: 0 },
    ...{ hits: 0, misses: 0, changes: 0 },
  };
  /** By database number. SWAPDB and FLUSHDB change what stands here, and move no key. */
  readonly databases: PhysicalDatabase[] = [];
  /** The id of the next physical database; the flushed ones' are never used again. */
  nextId = 0;

  /** Where all keys and values lie, and what checkpoints know of them. */
  memory: Memory;
  disk: DiskAccount;
  /** Hashes the keys in `memory`; a state that is adopted brings its own. */
  hasher: KeyHasher;

  /**
   * What was done with long keys and values since somebody set this to 0, in units about as expensive as a quick
   * request: whoever runs requests looks at the clock by it.
   */
  cost = 0;
  /** Keys that have come since somebody set this to 0. */
  added = 0;

  logTimeMs = 0;
  /** Log time while an entry is applied; the clock of the read while one is read. */
  nowMs = 0;
  reading = false;
  /** The present read met a key that is due by its clock, and alive by log time. */
  metDue = false;

  readonly access: AccessClock;
  /** The present command counts as a use of the keys that it looks at. */
  touching = false;
  /** Told of each key that a read has used here, while uses are counted. */
  onRead: ((database: number, key: Bytes) => void) | null = null;
  #policy = noEviction;

  /** `hashSeed`: see KeyHasher. */
  constructor(count = databaseCount, hashSeed = 0) {
    this.hasher = new KeyHasher(hashSeed);
    this.access = new AccessClock(hashSeed);
    this.memory = new Memory(this.hasher);
    const disk = new DiskAccount();
    this.disk = disk;
    this.memory.watch = (blob) => disk.watch(blob);
    for (let number = 0; number < count; number++) this.#put(number);
  }

  database(number: number): PhysicalDatabase {
    const database = this.databases[number];
    assert(database !== undefined, `database ${number} exists`);
    return database;
  }

  /** Bytes that all records take. Follows from lengths alone, so it is equal on every node. */
  get used(): number {
    let used = 0;
    for (const database of this.databases) used += database.used;
    return used;
  }

  get policy(): EvictionPolicy {
    return this.#policy;
  }
  set policy(policy: EvictionPolicy) {
    this.#policy = policy;
    const { first } = policy;
    const { counted } = this.access;
    const isCountedRight = first === counted || (first !== "rare" && counted === "idle");
    if (!isCountedRight) this.#count(first === "idle" || first === "rare" ? first : "nothing");
  }

  /** OBJECT IDLETIME was asked for: from now on it can be told, whatever the policy needs. */
  countIdleTime(): void {
    if (this.access.counted === "nothing") this.#count("idle");
  }

  /** A key was used elsewhere. */
  use(number: number, key: Bytes, nowMs: number): void {
    const found = this.access.counted === "nothing" ? null : this.locate(number, key);
    if (found === null) return;
    const { partition, position } = found;
    partition.setAccess(position, this.access.used(partition.access(position), nowMs));
  }

  /** A command uses the key at a position; `isNew`: it has just come. */
  touch(partition: Partition, position: number, isNew = false): void {
    const { access, nowMs } = this;
    const word = isNew ? access.first(nowMs) : access.used(partition.access(position), nowMs);
    partition.setAccess(position, word);
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

  /** After a read the clock is log time again. */
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

  /** Where a key is, dead or alive; null when it is nowhere. */
  locate(number: number, key: Bytes): { partition: Partition; position: number } | null {
    this.hasher.take(key);
    const partition = this.database(number).partition(this.hasher.partition);
    const address = partition?.find(key, this.hasher.hash) ?? 0;
    if (partition === undefined || address === 0) return null;
    return { partition, position: this.memory.records.position(address) };
  }

  /** False: the key is not there any more. */
  evict(number: number, key: Bytes): boolean {
    const found = this.locate(number, key);
    if (found !== null) this.#evictAt(found.partition, found.position);
    return found !== null;
  }

  /**
   * Evicts one key that the policy allows, equal on every node: by chance, or among keys with an expiry the one that
   * is due first. False: there is none.
   */
  evictAny(random: () => number): boolean {
    if (this.#policy.keys === "none") return false;
    if (this.#policy.keys === "volatile") {
      const due = this.firstDue();
      if (due !== undefined) this.#evictAt(due.partition, due.position);
      return due !== undefined;
    }
    let rank = Math.floor(random() * this.databases.reduce((sum, { size }) => sum + size, 0));
    for (const database of this.databases) {
      if (rank < database.size) {
        const { partition, position } = database.at(rank);
        this.#evictAt(partition, position);
        return true;
      }
      rank -= database.size;
    }
    return false;
  }

  #evictAt(partition: Partition, position: number): void {
    this.#removeAt(partition, position);
    this.counters.evictedKeys++;
    this.counters.changes++;
  }

  #removeAt(partition: Partition, position: number): void {
    const address = partition.table.seek(position);
    this.spend(this.memory.records.keyLength(address));
    partition.remove(address);
  }

  #count(counted: Counted): void {
    this.access.begin(counted, this.nowMs);
    for (const database of this.databases) database.forgetAccesses();
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
   * One step of removing at most `max` keys that are due by log time; returns how many may still be removed.
   * They go in the order in which they fell due: by (time, number of the database, partition, position),
   * which is equal on every node whatever the order in which the expiries came.
   */
  removeDue(max: number): number {
    const before = this.cost;
    for (let left = max; left > 0; left--) {
      const database = this.#firstDueDatabase();
      if (database === undefined || database.due.firstTimeMs > this.logTimeMs) return 0;
      if (max - left >= dueKeysPerStep || this.cost - before >= dueKeysPerStep) return left;
      const { partition, position } = this.placeOf(database.due.firstAddress);
      this.#removeAt(partition, position);
      this.counters.expiredKeys++;
      this.counters.changes++;
    }
    return 0;
  }

  /** When the next key falls due (Unix ms; perhaps long ago); undefined when none ever does. */
  nextDueAt(): number | undefined {
    const at = this.#firstDueDatabase()?.due.firstTimeMs;
    return at === Number.POSITIVE_INFINITY ? undefined : at;
  }

  /** So many bytes of one key or value are hashed, copied or written. */
  spend(bytes: number): void {
    this.cost += bytes >>> costShift;
  }

  /** Keys that were added since the last call. */
  takeAdded(): number {
    const { added } = this;
    this.added = 0;
    return added;
  }

  /** Gives back the memory of about so many keys of flushed databases. False: there are none left. */
  reclaim(keys: number): boolean {
    return this.memory.reclaim(keys);
  }

  /** The key with an expiry that dies first. */
  firstDue(): { partition: Partition; position: number } | undefined {
    const database = this.#firstDueDatabase();
    return database === undefined ? undefined : this.placeOf(database.due.firstAddress);
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

  /** The one whose first key falls due first, by the lower number of two; undefined when nothing ever does. */
  #firstDueDatabase(): PhysicalDatabase | undefined {
    let first: PhysicalDatabase | undefined;
    for (const database of this.databases) {
      if (database.due.size === 0) continue;
      if (first === undefined || database.due.firstTimeMs < first.due.firstTimeMs) first = database;
    }
    return first;
  }

  /** Of the record of a key. */
  placeOf(address: number): { partition: Partition; position: number } {
    const partition = this.memory.tableOf(address).owner;
    assert(partition instanceof Partition, "only keys of partitions fall due");
    return { partition, position: this.memory.records.position(address) };
  }
}
