// The keys of one partition of one database: a dense table whose positions are part of the state.

import type { Bytes } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import type { Blob } from "../memory/blob.ts";
import type { DueHeap } from "../memory/due-heap.ts";
import type { Memory } from "../memory/memory.ts";
import { PagedWords } from "../memory/paged.ts";
import { recordKeyBytesMax, recordValueBytesMax } from "../memory/records.ts";
import type { DenseTable } from "../memory/table.ts";
import { traced } from "./trace.ts";

/** The copy of a partition that a running checkpoint still has to write (checkpoint.ts). */
export interface FrozenPartition {
  /** Writes at most about so many bytes of records; how many it were. */
  encode(bytesMax: number): number;
  readonly isDone: boolean;
  /** What stands at a position is about to change: it is written first if it still has to be. */
  preserve(position: number): void;
}

/** The row of a partition on disk, which outlives the partition of a flushed database until the next checkpoint. */
export interface RowOnDisk {
  readonly id: number;
  /** Undefined: it is not there. */
  checksum: number | undefined;
}

/** The database of a partition, as the partition sees it. */
export interface PartitionOwner {
  /** Never used again. */
  readonly id: number;
  /** Where its keys with an expiry stand. */
  readonly due: DueHeap;
  /** The number of checkpoints begun: one more asks all changed partitions for what they were. */
  readonly generation: number;
  /** Of all changes so far: see trace.ts. */
  trace: number;
  /** Bytes that its records take: see Keyspace.used. */
  used: number;
  /** Once per generation, before the first change of a partition in it. */
  partitionChanges(partition: Partition): void;
  /** Before that, when the checkpoint that has begun has not come to the partition yet: sets `frozen`. */
  freeze(partition: Partition): void;
  /** Keys, expiries and bytes were added, or with negative numbers removed. */
  count(keys: number, expires: number, used: number): void;
  /** The next checkpoint has so many bytes of records more to write, at most. */
  dirtied(bytes: number): void;
}

const clean: number[] = [];
const none = new Int32Array(0);

/**
 * Invariant: a position whose record differs from the one of the last checkpoint is marked dirty.
 *
 * Removal moves the last key into the gap, so a key's position only ever falls while it stays:
 * a walk from the end to the start meets every key that stays.
 */
export class Partition {
  /** Never used again: on disk all of its records stand under it, and keys that fall due at once go by (id, position). */
  readonly id: number;
  /** Its place in the database, which follows from the slots of its keys. */
  readonly number: number;
  readonly table: DenseTable;

  /** Positions on disk as of the last checkpoint that began; the rest of them must be deleted. */
  persisted = 0;
  /** XOR of the mixed checksums of these records. */
  digest = 0;
  readonly row: RowOnDisk;
  frozen: FrozenPartition | null = null;

  readonly #owner: PartitionOwner;
  readonly #memory: Memory;
  /** One bit per position, 32 to a word. */
  #dirty: number[] = clean;
  /** The generation in which the partition changed first, until its dirty positions are taken. */
  #generation = -1;
  /** Of the records on disk by position: they let a checkpoint keep a digest of all. */
  #checksums: Int32Array = none;
  /** When and how often each key was used, on this node alone: see access.ts. Null until somebody asks. */
  #access: PagedWords | null = null;

  constructor(id: number, number: number, owner: PartitionOwner, memory: Memory) {
    this.id = id;
    this.row = { id, checksum: undefined };
    this.number = number;
    this.#owner = owner;
    this.#memory = memory;
    this.table = memory.createTable(id, owner.due, this);
  }

  /** The id of its database. */
  get database(): number {
    return this.#owner.id;
  }

  get size(): number {
    return this.table.size;
  }

  /** The address of a key's record; 0 when it is not here. `hash` is the key's. */
  find(key: Bytes, hash: number): number {
    return this.table.find(key, hash);
  }
  key(position: number): Bytes {
    return this.#memory.records.key(this.table.addressAt(position));
  }

  value(position: number): Bytes {
    return this.#memory.records.value(this.table.addressAt(position));
  }
  expiryAt(position: number): Expiry | undefined {
    return this.#memory.records.expiry(this.table.addressAt(position));
  }

  /** The key is not here yet. */
  add(key: Bytes, hash: number, type: number, value: Bytes): void {
    const position = this.table.size;
    this.#touch(position, value.length);
    const used = this.table.used;
    this.table.add(key, hash, type, value);
    this.#access?.reserve(position + 1);
    this.#access?.set(position, 0);
    this.#count(1, 0, this.table.used - used);
    if (key.length > recordKeyBytesMax) this.#owner.dirtied(key.length);
  }

  /** Another value; the expiry stays. */
  change(address: number, type: number, value: Bytes): void {
    const { records } = this.#memory;
    this.#touch(records.position(address), ~value.length);
    const used = this.table.used;
    const wasLong = records.valueBlob(address) !== null;
    this.table.setValue(address, type, value);
    this.#count(0, 0, this.table.used - used);
    // The record takes less room than it took with its parts, and on disk more.
    if (wasLong) this.#owner.dirtied(Math.min(value.length, recordValueBytesMax));
  }

  /** A part of the value: see DenseTable.writeValue. */
  write(address: number, type: number, at: number, bytes: Bytes): void {
    const { records } = this.#memory;
    const position = records.position(address);
    this.#touch(position, traced(at, bytes.length));
    const used = this.table.used;
    records.setType(this.table.writeValue(address, at, bytes), type);
    this.#count(0, 0, this.table.used - used);
  }

  /** The value is this blob, which no other record holds. */
  changeToBlob(address: number, type: number, blob: Blob): void {
    this.#touch(this.#memory.records.position(address), ~blob.length);
    const used = this.table.used;
    this.table.setValueBlob(address, type, blob);
    this.#count(0, 0, this.table.used - used);
  }

  /** Takes the blob away from a record that goes. */
  takeBlob(address: number): Blob {
    this.#touch(this.#memory.records.position(address), 0);
    const used = this.table.used;
    const blob = this.table.takeValueBlob(address);
    this.#count(0, 0, this.table.used - used);
    return blob;
  }

  /** Sets, or with undefined removes, when the key dies. */
  changeExpiry(address: number, at: Expiry | undefined): void {
    this.#touch(this.#memory.records.position(address), expiryWord(at));
    const { used, expires } = this.table;
    this.table.setExpiry(address, at);
    this.#count(0, this.table.expires - expires, this.table.used - used);
  }

  /** The last key takes the place of the removed one. The record was found last. */
  remove(address: number): void {
    const position = this.#memory.records.position(address);
    const last = this.table.size - 1;
    this.#touch(position, 0);
    if (position !== last) {
      this.frozen?.preserve(last);
      this.#owner.dirtied(this.#memory.records.roomWithoutParts(this.table.addressAt(last)));
    }
    const { used, expires } = this.table;
    this.table.remove(address);
    if (this.#access !== null && position !== last) {
      this.#access.set(position, this.#access.get(last));
    }
    this.#owner.count(-1, this.table.expires - expires, this.table.used - used);
  }

  /** As the last checkpoint has it: marks nothing. For the restart. False: the key is there already. */
  // biome-ignore lint/complexity/useMaxParams: the fields of a record; runs for every one at a start.
  restore(
    key: Bytes,
    hash: number,
    type: number,
    value: Bytes | Blob,
    at: Expiry | undefined,
  ): boolean {
    if (this.table.find(key, hash) !== 0) return false;
    const { used } = this.table;
    this.table.add(key, hash, type, typeof value === "string" ? value : "");
    // What follows changes a record that was found.
    if (typeof value !== "string") {
      this.table.setValueBlob(this.table.find(key, hash), type, value);
    }
    if (at !== undefined) this.table.setExpiry(this.table.find(key, hash), at);
    this.persisted = this.table.size;
    this.#owner.count(1, at === undefined ? 0 : 1, this.table.used - used);
    return true;
  }

  /** What the record at a position adds to `used`. */
  bytesAt(position: number): number {
    return this.#memory.records.room(this.table.addressAt(position));
  }

  /** When or how often the key at a position was used (access.ts); 0: not known. */
  access(position: number): number {
    return this.#access?.get(position) ?? 0;
  }

  setAccess(position: number, word: number): void {
    if (this.#access === null) {
      this.#access = new PagedWords();
      this.#access.reserve(this.size);
    }
    this.#access.set(position, word);
  }

  forgetAccesses(): void {
    this.#access = null;
  }

  /** Hands over the dirty positions and begins a new account of them. */
  takeDirty(): number[] {
    const dirty = this.#dirty;
    this.#dirty = clean;
    this.#generation = -1;
    return dirty;
  }

  /** Checksums of the records on disk, with room for so many; for checkpoint and restart to fill. */
  checksumsFor(size: number): Int32Array {
    if (size <= this.#checksums.length) return this.#checksums;
    const larger = new Int32Array(size + (size >> 2) + 4);
    larger.set(this.#checksums);
    this.#checksums = larger;
    return larger;
  }

  /** Before every change of what stands at a position; `change` says in few bits which one. */
  #touch(position: number, change: number): void {
    const owner = this.#owner;
    owner.trace = traced(owner.trace ^ ((this.number << 24) | position), change);
    if (this.#generation !== owner.generation) this.#enterGeneration();
    if (this.frozen !== null) this.frozen.preserve(position);
    const word = position >>> 5;
    if (word >= this.#dirty.length) this.#growDirty(word);
    const bits = this.#dirty[word] as number;
    const bit = 1 << (position & 31);
    if ((bits & bit) !== 0) return;
    this.#dirty[word] = bits | bit;
    if (position >= this.table.size) return;
    owner.dirtied(this.#memory.records.roomWithoutParts(this.table.addressAt(position)));
  }

  /** A record that has become longer is written as it is then; what lies in parts is counted there. */
  #count(keys: number, expires: number, used: number): void {
    this.#owner.count(keys, expires, used);
    if (used > 0) this.#owner.dirtied(Math.min(used, recordValueBytesMax));
  }

  /** By hand: `push` would reserve room for 16 words, which most partitions never need. */
  #growDirty(word: number): void {
    const grown = new Array<number>(word + 1 + (word >> 1)).fill(0);
    for (let at = 0; at < this.#dirty.length; at++) grown[at] = this.#dirty[at] as number;
    this.#dirty = grown;
  }

  #enterGeneration(): void {
    if (this.#generation !== -1) this.#owner.freeze(this);
    this.#generation = this.#owner.generation;
    this.#growDirty(this.size >>> 5);
    this.#owner.partitionChanges(this);
  }
}

function expiryWord(at: Expiry | undefined): number {
  if (at === undefined) return -1;
  return typeof at === "number" ? at | 0 : Number(BigInt.asIntN(32, at));
}
