// One database as commands see it, by its number.

import { assert } from "../../assert.ts";
import { errors } from "../../resp/errors.ts";
import type { Bytes, ErrorReply } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Partition } from "./partition.ts";
import type { PhysicalDatabase } from "./physical-database.ts";
import type { Value, WriteView } from "./views.ts";

/** Picks of RANDOMKEY that may meet a dead key before all living ones are counted. */
const picksMax = 64;

/** Every database of a keyspace, by number. */
export function createDatabases(keyspace: Keyspace): readonly Database[] {
  const all: Database[] = [];
  keyspace.databases.forEach((_, index) => {
    all.push(new Database(index, keyspace, all));
  });
  return all;
}

/** A `read` handler gets it typed as ReadView. Holds nothing: all state is in the keyspace. */
export class Database implements WriteView {
  readonly index: number;
  readonly #keyspace: Keyspace;
  readonly #all: readonly Database[];
  /** Of the last look-up, found or not; its hash still stands in the keyspace's hasher. */
  #partition: Partition | undefined;

  constructor(index: number, keyspace: Keyspace, all: readonly Database[]) {
    this.index = index;
    this.#keyspace = keyspace;
    this.#all = all;
  }

  get nowMs(): number {
    return this.#keyspace.nowMs;
  }
  get size(): number {
    return this.#store.size;
  }
  get expires(): number {
    return this.#store.expires;
  }

  // --- Reading ---------------------------------------------------------------------------------

  has(key: Bytes): boolean {
    return this.#look(key) !== -1;
  }

  get(key: Bytes): Value | undefined {
    const position = this.#look(key);
    return position === -1 ? undefined : this.#partition?.values[position];
  }

  string(key: Bytes): Bytes | undefined | ErrorReply {
    const position = this.#look(key);
    if (position === -1) return undefined;
    const value = this.#partition?.values[position];
    return typeof value === "string" ? value : errors.wrongType;
  }

  expireAt(key: Bytes): Expiry | undefined {
    return this.#look(key) === -1 ? undefined : this.#partition?.expiries?.get(key);
  }

  get countsUses(): "idle" | "rare" {
    return this.#keyspace.policy.first === "rare" ? "rare" : "idle";
  }

  idleSeconds(key: Bytes): number | undefined {
    this.#keyspace.countIdleTime();
    const { access, nowMs } = this.#keyspace;
    const word = this.#accessOf(key);
    return word === undefined ? undefined : Math.floor(access.idleSeconds(word, nowMs));
  }

  useCount(key: Bytes): number | undefined {
    const { access, nowMs } = this.#keyspace;
    const word = this.#accessOf(key);
    return word === undefined ? undefined : access.count(word, nowMs);
  }

  scan(cursor: number, count: number, visit: (key: Bytes) => void): number {
    return this.#store.scan(cursor, count, (partition, position) => {
      const key = partition.keys[position] as Bytes;
      if (!this.#keyspace.isDead(partition, key)) visit(key);
    });
  }

  *keys(): IterableIterator<Bytes> {
    for (const partition of this.#store.filledPartitions()) {
      for (const key of partition.keys) if (!this.#keyspace.isDead(partition, key)) yield key;
    }
  }

  randomKey(random: () => number): Bytes | undefined {
    const store = this.#store;
    if (store.size === 0) return undefined;
    for (let pick = 0; pick < picksMax; pick++) {
      const { partition, position } = store.at(Math.floor(random() * store.size));
      const key = partition.keys[position] as Bytes;
      if (!this.#keyspace.isDead(partition, key)) return key;
    }
    return this.#randomOfLiving(random);
  }

  select(index: number): Database {
    const database = this.#all[index];
    assert(database !== undefined, "the command has checked the number of the database");
    return database;
  }

  // --- Writing ---------------------------------------------------------------------------------

  replace(key: Bytes, value: Value): void {
    const position = this.#find(key);
    if (position === -1) this.#add(key, value);
    else {
      const partition = this.#partition as Partition;
      if (partition.expiries !== null) this.#keyspace.dropExpiry(this.#store, partition, position);
      partition.change(position, value);
      if (this.#keyspace.touching) this.#keyspace.touch(partition, position);
    }
    this.#keyspace.counters.changes++;
  }

  update(key: Bytes, value: Value): void {
    const position = this.#find(key);
    if (position === -1) this.#add(key, value);
    else {
      const partition = this.#partition as Partition;
      // A dead key that is not removed yet is replaced: the new one has no expiry.
      if (partition.expiries !== null && this.#keyspace.isDead(partition, key)) {
        this.#keyspace.dropExpiry(this.#store, partition, position);
      }
      partition.change(position, value);
    }
    this.#keyspace.counters.changes++;
  }

  delete(key: Bytes): boolean {
    const position = this.#find(key);
    if (position === -1) return false;
    const partition = this.#partition as Partition;
    if (this.#keyspace.isDead(partition, key)) return false;
    this.#keyspace.remove(this.#store, partition, position);
    this.#keyspace.counters.changes++;
    return true;
  }

  setExpireAt(key: Bytes, at: Expiry): void {
    const position = this.#look(key);
    assert(position !== -1, "the handler has found the key");
    const partition = this.#partition as Partition;
    this.#keyspace.setExpiry(this.#store, partition, position, plainWhereSafe(at));
    this.#keyspace.counters.changes++;
  }

  persist(key: Bytes): boolean {
    const position = this.#look(key);
    if (position === -1) return false;
    const had = this.#keyspace.dropExpiry(this.#store, this.#partition as Partition, position);
    if (had) this.#keyspace.counters.changes++;
    return had;
  }

  clear(): void {
    this.#keyspace.clear(this.index);
  }

  swap(a: number, b: number): void {
    this.#keyspace.swap(a, b);
  }

  // ---------------------------------------------------------------------------------------------

  get #store(): PhysicalDatabase {
    return this.#keyspace.databases[this.index] as PhysicalDatabase;
  }

  /** The position of a key, dead or alive, within `#partition`. */
  #find(key: Bytes): number {
    const { hasher } = this.#keyspace;
    hasher.take(key);
    this.#partition = this.#store.partition(hasher.partition);
    return this.#partition === undefined ? -1 : this.#partition.positionOf(key, hasher.hash);
  }

  /** The position of a living key; -1 when there is none. Reads are counted. */
  #look(key: Bytes): number {
    let position = this.#find(key);
    if (position !== -1) {
      const partition = this.#partition as Partition;
      if (partition.expiries !== null && this.#keyspace.isDead(partition, key)) position = -1;
      else if (this.#keyspace.touching) this.#touch(partition, position, key);
    }
    if (this.#keyspace.reading) {
      if (position === -1) this.#keyspace.counters.misses++;
      else this.#keyspace.counters.hits++;
    }
    return position;
  }

  #accessOf(key: Bytes): number | undefined {
    const position = this.#look(key);
    return position === -1 ? undefined : this.#partition?.access(position);
  }

  #add(key: Bytes, value: Value): void {
    const { partition: number, hash } = this.#keyspace.hasher;
    const partition = this.#partition ?? this.#store.ensurePartition(number);
    partition.add(key, hash, value);
    this.#store.count(1);
    if (this.#keyspace.touching) this.#keyspace.touch(partition, partition.size - 1, true);
  }

  #touch(partition: Partition, position: number, key: Bytes): void {
    const keyspace = this.#keyspace;
    keyspace.touch(partition, position);
    if (keyspace.reading) keyspace.onRead?.(this.index, key);
  }

  /** One pass that keeps each living key with the same chance (reservoir of one). */
  #randomOfLiving(random: () => number): Bytes | undefined {
    let seen = 0;
    let chosen: Bytes | undefined;
    for (const key of this.keys()) {
      seen++;
      if (random() * seen < 1) chosen = key;
    }
    return chosen;
  }
}

/** Only what no number holds exactly stays a bigint: those expiries never fall due. */
function plainWhereSafe(at: Expiry): Expiry {
  return typeof at === "bigint" && at <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(at) : at;
}
