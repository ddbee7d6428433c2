// All databases of a node with their clock: who lives, who dies when, which number means what.

import { assert } from "../../assert.ts";
import { databaseCount } from "../../constants.ts";
import type { Bytes } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import { AccessClock, type Counted } from "./access-clock.ts";
import { type EvictionPolicy, noEviction } from "./eviction-policy.ts";
import { type DueKey, ExpiryHeap } from "./expiry-heap.ts";
import { KeyHasher } from "./key-hash.ts";
import type { Partition } from "./partition.ts";
import { PhysicalDatabase } from "./physical-database.ts";

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

  /** Of the keys that are here: changes with them. */
  hasher: KeyHasher;

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

  #heap = new ExpiryHeap();
  readonly #byId = new Map<number, PhysicalDatabase>();

  /** `hashSeed`: see KeyHasher. */
  constructor(count = databaseCount, hashSeed = 0) {
    this.hasher = new KeyHasher(hashSeed);
    this.access = new AccessClock(hashSeed);
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

  /** Whatever looks at the state between two entries sees it by log time. */
  endRead(): void {
    this.nowMs = this.logTimeMs;
    this.reading = false;
  }

  /** Also notes when the key is due for the present read. */
  isDead(partition: Partition, key: Bytes): boolean {
    const at = partition.expiries?.get(key);
    if (at === undefined) return false;
    if (at <= this.logTimeMs) return true;
    if (at <= this.nowMs) this.metDue = true;
    return false;
  }

  setExpiry(database: PhysicalDatabase, partition: Partition, position: number, at: Expiry): void {
    const key = partition.keys[position] as Bytes;
    const known = partition.expiries?.get(key);
    if (known === at) return;
    if (known === undefined) database.expires++;
    else this.#untime(database, known);
    partition.changeExpiry(position, at);
    if (typeof at !== "number") return;
    database.timed++;
    this.#heap.add(at, database.id, key);
    this.#tidyHeap();
  }

  /** False when the key had none. */
  dropExpiry(database: PhysicalDatabase, partition: Partition, position: number): boolean {
    const known = partition.expiries?.get(partition.keys[position] as Bytes);
    if (known === undefined) return false;
    database.expires--;
    this.#untime(database, known);
    partition.changeExpiry(position, undefined);
    this.#tidyHeap();
    return true;
  }

  remove(database: PhysicalDatabase, partition: Partition, position: number): void {
    if (partition.expiries !== null) this.dropExpiry(database, partition, position);
    partition.removeAt(position);
    database.count(-1);
  }

  /** Where a key is, dead or alive; null when it is nowhere. */
  locate(number: number, key: Bytes): { partition: Partition; position: number } | null {
    const partition = this.#partitionAt(this.database(number), key);
    const position = partition?.positionOf(key, this.hasher.hash) ?? -1;
    return partition === undefined || position === -1 ? null : { partition, position };
  }

  /** False: the key is not there any more. */
  evict(number: number, key: Bytes): boolean {
    const found = this.locate(number, key);
    if (found !== null) this.#evictAt(this.database(number), found.partition, found.position);
    return found !== null;
  }

  /**
   * Evicts one key that the policy allows, equal on every node: by chance, or among keys with an expiry the one that
   * is due first. False: there is none.
   */
  evictAny(random: () => number): boolean {
    if (this.#policy.keys === "none") return false;
    if (this.#policy.keys === "volatile") {
      const due = this.#firstDue();
      if (due === undefined) return false;
      const database = this.#byId.get(due.database) as PhysicalDatabase;
      const partition = this.#partitionAt(database, due.key) as Partition;
      const position = partition.positionOf(due.key, this.hasher.hash);
      this.#evictAt(database, partition, position);
      return true;
    }
    let rank = Math.floor(random() * this.databases.reduce((sum, { size }) => sum + size, 0));
    for (const database of this.databases) {
      if (rank < database.size) {
        const { partition, position } = database.at(rank);
        this.#evictAt(database, partition, position);
        return true;
      }
      rank -= database.size;
    }
    return false;
  }

  #evictAt(database: PhysicalDatabase, partition: Partition, position: number): void {
    this.remove(database, partition, position);
    this.counters.evictedKeys++;
    this.counters.changes++;
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
    this.#byId.delete(database.id);
    this.#heap.forget(database.timed);
    this.#put(number);
    this.#tidyHeap();
  }

  swap(a: number, b: number): void {
    const database = this.database(a);
    this.databases[a] = this.database(b);
    this.databases[b] = database;
    this.counters.changes++;
  }

  /** Removes at most `max` keys that are due by log time, in the order in which they fell due. */
  removeDue(max: number): void {
    for (let removed = 0; removed < max; ) {
      if (this.#heap.firstTimeMs > this.logTimeMs) return;
      const due = this.#firstDue();
      if (due === undefined || due.atMs > this.logTimeMs) return;
      const database = this.#byId.get(due.database) as PhysicalDatabase;
      const partition = this.#partitionAt(database, due.key) as Partition;
      this.remove(database, partition, partition.positionOf(due.key, this.hasher.hash));
      this.counters.expiredKeys++;
      this.counters.changes++;
      removed++;
    }
  }

  /** When the next key falls due (Unix ms; perhaps long ago); undefined when none ever does. */
  nextDueAt(): number | undefined {
    return this.#firstDue()?.atMs;
  }

  /** The key with an expiry that dies first. */
  firstDue(): DueKey | undefined {
    return this.#firstDue();
  }

  /** For the restart: exactly these databases, in the order of their numbers, still empty. */
  reset(ids: readonly number[], nextId: number): void {
    this.databases.length = 0;
    this.#byId.clear();
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
    this.#byId.clear();
    for (const database of this.databases) this.#byId.set(database.id, database);
    this.nextId = other.nextId;
    // Its partitions find their keys by its hashes.
    this.hasher = other.hasher;
    this.#heap = other.#heap;
    this.counters.changes = other.counters.changes;
    this.advance(other.logTimeMs);
  }

  /** After the restart: the heap is a function of the expiries that are there. */
  rebuildHeap(): void {
    this.#heap.rebuild(this.#expiries());
  }

  /** Throws when an invariant does not hold. For tests. */
  check(): void {
    for (const database of this.databases) database.check();
  }

  #put(number: number): void {
    const database = new PhysicalDatabase(this.nextId++, this.hasher);
    this.databases[number] = database;
    this.#byId.set(database.id, database);
  }

  #untime(database: PhysicalDatabase, at: Expiry): void {
    if (typeof at !== "number") return;
    database.timed--;
    this.#heap.forget(1);
  }

  #tidyHeap(): void {
    if (this.#heap.wantsRebuild) this.rebuildHeap();
  }

  /** The first entry that says what its key says, after the stale ones before it are thrown away. */
  #firstDue(): DueKey | undefined {
    for (let due = this.#heap.first(); due !== undefined; due = this.#heap.first()) {
      const database = this.#byId.get(due.database);
      const partition = database === undefined ? undefined : this.#partitionAt(database, due.key);
      if (partition?.expiries?.get(due.key) === due.atMs) return due;
      this.#heap.removeFirst();
    }
    return undefined;
  }

  #partitionAt(database: PhysicalDatabase, key: Bytes): Partition | undefined {
    this.hasher.take(key);
    return database.partition(this.hasher.partition);
  }

  *#expiries(): IterableIterator<DueKey> {
    for (const database of this.databases) {
      if (database.timed === 0) continue;
      for (const partition of database.filledPartitions()) {
        for (const [key, atMs] of partition.expiries ?? []) {
          if (typeof atMs === "number") yield { atMs, database: database.id, key };
        }
      }
    }
  }
}
