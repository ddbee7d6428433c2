// One database as commands see it, by its number.

import { assert } from "../../assert.ts";
import { errors } from "../../resp/errors.ts";
import type { Bytes, ErrorReply } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import type { Records } from "../memory/records.ts";
import type { Steps } from "../steps.ts";
import type { Keyspace } from "./keyspace.ts";
import type { Partition } from "./partition.ts";
import type { PhysicalDatabase } from "./physical-database.ts";
import { plainString, typeNameOf } from "./types.ts";
import type { Kind, TypeName, ValuePlace, WriteView } from "./views.ts";

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
    return this.#look(key) !== 0;
  }

  typeOf(key: Bytes): TypeName | undefined {
    const address = this.#look(key);
    return address === 0 ? undefined : typeNameOf(this.records.type(address));
  }

  string(key: Bytes, bytesMax?: number): Bytes | undefined | ErrorReply {
    const address = this.#look(key);
    if (address === 0) return undefined;
    const records = this.records;
    if (typeNameOf(records.type(address)) !== "string") return errors.wrongType;
    const isCut = bytesMax !== undefined && records.valueLength(address) > bytesMax;
    const value = isCut ? records.valueRange(address, 0, bytesMax) : records.value(address);
    this.#keyspace.spend(value.length);
    return value;
  }

  read<Handle>(key: Bytes, kind: Kind<Handle>): Handle | undefined | ErrorReply {
    const address = this.#look(key);
    if (address === 0) return undefined;
    if (typeNameOf(this.records.type(address)) !== kind.name) return errors.wrongType;
    return kind.open(new KeyPlace(this, key));
  }

  expireAt(key: Bytes): Expiry | undefined {
    const address = this.#look(key);
    return address === 0 ? undefined : this.records.expiry(address);
  }

  room(key: Bytes): number | undefined {
    const address = this.addressOf(key);
    return address === 0 ? undefined : this.records.room(address);
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
      if (!this.#isDeadAt(partition, position)) visit(partition.key(position));
    });
  }

  *keys(): IterableIterator<Bytes> {
    for (const partition of this.#store.filledPartitions()) {
      for (let position = 0; position < partition.size; position++) {
        if (!this.#isDeadAt(partition, position)) yield partition.key(position);
      }
    }
  }

  randomKey(random: () => number): Bytes | undefined {
    const store = this.#store;
    if (store.size === 0) return undefined;
    for (let pick = 0; pick < picksMax; pick++) {
      const { partition, position } = store.at(Math.floor(random() * store.size));
      if (!this.#isDeadAt(partition, position)) return partition.key(position);
    }
    return this.#randomOfLiving(random);
  }

  select(index: number): Database {
    const database = this.#all[index];
    assert(database !== undefined, "the command has checked the number of the database");
    return database;
  }

  // --- Writing ---------------------------------------------------------------------------------

  edit<Handle>(key: Bytes, kind: Kind<Handle>): Handle | ErrorReply {
    const address = this.#look(key);
    if (address !== 0 && typeNameOf(this.records.type(address)) !== kind.name) {
      return errors.wrongType;
    }
    return kind.open(new KeyPlace(this, key));
  }

  replace(key: Bytes, value: Bytes): void {
    this.#set(key, value, false);
  }

  update(key: Bytes, value: Bytes): void {
    this.#set(key, value, true);
  }

  delete(key: Bytes): boolean {
    const address = this.#find(key);
    if (address === 0 || this.#keyspace.isDead(address)) return false;
    (this.#partition as Partition).remove(address);
    this.#keyspace.counters.changes++;
    return true;
  }

  setExpireAt(key: Bytes, at: Expiry): void {
    const address = this.#look(key);
    assert(address !== 0, "the handler has found the key");
    (this.#partition as Partition).changeExpiry(address, plainWhereSafe(at));
    this.#keyspace.counters.changes++;
  }

  persist(key: Bytes): boolean {
    const address = this.#look(key);
    if (address === 0 || this.records.expiry(address) === undefined) return false;
    (this.#partition as Partition).changeExpiry(address, undefined);
    this.#keyspace.counters.changes++;
    return true;
  }

  rename(key: Bytes, destination: Database, target: Bytes): void {
    const records = this.records;
    const from = this.#look(key);
    assert(from !== 0, "the handler has found the key");
    const type = records.type(from);
    const expireAt = records.expiry(from);
    if (records.valueBlob(from) === null) {
      const value = records.value(from);
      this.delete(key);
      destination.#put(target, type, value);
    } else {
      const blob = (this.#partition as Partition).takeBlob(from);
      this.delete(key);
      destination.#put(target, type, "");
      const to = destination.#find(target);
      (destination.#partition as Partition).changeToBlob(to, type, blob);
    }
    if (expireAt !== undefined) destination.setExpireAt(target, expireAt);
  }

  *copy(key: Bytes, destination: Database, target: Bytes): Steps<void> {
    const records = this.records;
    const from = this.#look(key);
    assert(from !== 0, "the handler has found the key");
    const type = records.type(from);
    const expireAt = records.expiry(from);
    const blob = records.valueBlob(from);
    if (blob === null) destination.#put(target, type, records.value(from));
    else {
      const { memory } = this.#keyspace;
      const copied = memory.createValueBlob();
      for (let at = 0; at < blob.length; at += copyStepBytes) {
        blob.copyTo(copied, at, copyStepBytes);
        yield;
      }
      destination.#put(target, type, "");
      const to = destination.#find(target);
      (destination.#partition as Partition).changeToBlob(to, type, copied);
    }
    if (expireAt !== undefined) destination.setExpireAt(target, expireAt);
  }

  clear(): void {
    this.#keyspace.clear(this.index);
  }

  swap(a: number, b: number): void {
    this.#keyspace.swap(a, b);
  }

  // ---------------------------------------------------------------------------------------------

  /** For the places of values: the address of a living key's record, which was found last; 0 when there is none. */
  addressOf(key: Bytes): number {
    const address = this.#find(key);
    return address === 0 || this.#keyspace.isDead(address) ? 0 : address;
  }

  get records(): Records {
    return this.#keyspace.memory.records;
  }

  slice(key: Bytes, from: number, to: number): Bytes {
    const address = this.addressOf(key);
    if (address === 0) return "";
    this.#keyspace.spend(to - from);
    return this.records.valueRange(address, from, to);
  }

  write(key: Bytes, at: number, bytes: Bytes, type: number): void {
    this.#keyspace.spend(bytes.length);
    if (this.addressOf(key) === 0) this.#set(key, "", true);
    const address = this.#find(key);
    (this.#partition as Partition).write(address, type, at, bytes);
    this.#keyspace.counters.changes++;
  }

  // ---------------------------------------------------------------------------------------------

  get #store(): PhysicalDatabase {
    return this.#keyspace.databases[this.index] as PhysicalDatabase;
  }

  #isDeadAt(partition: Partition, position: number): boolean {
    return this.#keyspace.isDead(partition.table.addressAt(position));
  }

  /** The address of a key's record, dead or alive, within `#partition`; 0 when there is none. */
  #find(key: Bytes): number {
    const { hasher } = this.#keyspace;
    hasher.take(key);
    this.#keyspace.spend(key.length);
    this.#partition = this.#store.partition(hasher.partition);
    return this.#partition === undefined ? 0 : this.#partition.find(key, hasher.hash);
  }

  /** The address of a living key's record; 0 when there is none. Reads are counted. */
  #look(key: Bytes): number {
    const address = this.addressOf(key);
    if (address !== 0 && this.#keyspace.touching) this.#touch(address, key);
    if (this.#keyspace.reading) {
      if (address === 0) this.#keyspace.counters.misses++;
      else this.#keyspace.counters.hits++;
    }
    return address;
  }

  /** A plain string at a key, which keeps its expiry if it is alive and may. */
  #set(key: Bytes, value: Bytes, keepsExpiry: boolean): void {
    const keyspace = this.#keyspace;
    keyspace.counters.changes++;
    keyspace.spend(value.length);
    const address = this.#find(key);
    if (address === 0) {
      const { partition: number, hash } = keyspace.hasher;
      const partition = this.#partition ?? this.#store.ensurePartition(number);
      partition.add(key, hash, plainString, value);
      keyspace.added++;
      if (keyspace.touching) keyspace.touch(partition, partition.size - 1, true);
      return;
    }
    const partition = this.#partition as Partition;
    if (keyspace.touching) keyspace.touch(partition, this.records.position(address));
    if (this.records.expiry(address) === undefined) {
      partition.change(address, plainString, value);
      return;
    }
    // A dead key that is not removed yet is replaced: the new one has no expiry.
    const keeps = keepsExpiry && !keyspace.isDead(address);
    if (!keeps) partition.changeExpiry(address, undefined);
    partition.change(this.#find(key), plainString, value);
  }

  /** A value of a type at a key that may have had another one. */
  #put(key: Bytes, type: number, value: Bytes): void {
    this.#set(key, value, false);
    if (type !== plainString) this.records.setType(this.#find(key), type);
  }

  #accessOf(key: Bytes): number | undefined {
    const address = this.#look(key);
    return address === 0 ? undefined : this.#partition?.access(this.records.position(address));
  }

  #touch(address: number, key: Bytes): void {
    const keyspace = this.#keyspace;
    keyspace.touch(this.#partition as Partition, this.records.position(address));
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

/** A copy goes on by so many bytes in a step. */
const copyStepBytes = 1024 * 1024;

/** The place of a key's value; finds its record anew each time, because any change may have moved it. */
class KeyPlace implements ValuePlace {
  readonly #database: Database;
  readonly #key: Bytes;

  constructor(database: Database, key: Bytes) {
    this.#database = database;
    this.#key = key;
  }

  get isVacant(): boolean {
    return this.#database.addressOf(this.#key) === 0;
  }
  get length(): number {
    const address = this.#database.addressOf(this.#key);
    return address === 0 ? 0 : this.#database.records.valueLength(address);
  }
  get type(): number {
    const address = this.#database.addressOf(this.#key);
    return address === 0 ? plainString : this.#database.records.type(address);
  }

  slice(from: number, to: number): Bytes {
    return this.#database.slice(this.#key, from, to);
  }

  write(at: number, bytes: Bytes, type: number): void {
    this.#database.write(this.#key, at, bytes, type);
  }
}

/** Only what no number holds exactly stays a bigint: those expiries never fall due. */
function plainWhereSafe(at: Expiry): Expiry {
  return typeof at === "bigint" && at <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(at) : at;
}
