// The keys of one partition of one database: a dense map whose positions are part of the state.

import { assert } from "../../assert.ts";
import { recordOverheadBytes } from "../../constants.ts";
import type { Bytes } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import type { KeyHasher } from "./key-hash.ts";
import { PositionIndex } from "./position-index.ts";
import { traced } from "./trace.ts";
import type { Value } from "./views.ts";

/** The copy of a partition that a running checkpoint still has to write (checkpoint.ts). */
export interface FrozenPartition {
  /** Writes at most `max` records; how many it were. */
  encode(max: number): number;
  readonly isDone: boolean;
  /** What stands at a position is about to change: it is written first if it still has to be. */
  preserve(position: number): void;
}

/** The database of a partition, as the partition sees it. */
export interface PartitionOwner {
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
}

const clean: number[] = [];
const none = new Int32Array(0);
const noAccesses = new Uint32Array(0);

/**
 * Invariants: keys[p] and values[p] belong together for every p < size, and the index holds p under
 * keys[p]; `expiries` holds only keys that are there; a position whose record differs from the one
 * of the last checkpoint is marked dirty.
 *
 * Removal moves the last key into the gap, so a key's position only ever falls while it stays:
 * a walk from the end to the start meets every key that stays.
 */
export class Partition {
  readonly number: number;
  readonly keys: Bytes[] = [];
  readonly values: Value[] = [];
  /** Only for keys that have one; null while no key has. */
  expiries: Map<Bytes, Expiry> | null = null;

  /** Positions on disk as of the last checkpoint that began; the rest of them must be deleted. */
  persisted = 0;
  frozen: FrozenPartition | null = null;

  readonly #owner: PartitionOwner;
  readonly #index: PositionIndex;
  /** One bit per position, 32 to a word. */
  #dirty: number[] = clean;
  /** The generation in which the partition changed first, until its dirty positions are taken. */
  #generation = -1;
  /** Of the records on disk by position: they let a checkpoint keep a digest of all. */
  #checksums: Int32Array = none;
  /** See access.ts; empty as long as nobody has asked for them. */
  #accesses: Uint32Array = noAccesses;

  constructor(number: number, owner: PartitionOwner, hasher: KeyHasher) {
    this.number = number;
    this.#owner = owner;
    this.#index = new PositionIndex(this.keys, hasher);
  }

  get size(): number {
    return this.keys.length;
  }

  /** -1 when the key is not here. `hash` is the key's. */
  positionOf(key: Bytes, hash: number): number {
    return this.#index.find(key, hash);
  }

  /** The key is not here yet. */
  add(key: Bytes, hash: number, value: Value): void {
    const position = this.keys.length;
    this.#touch(position, value.length);
    this.#owner.used += recordBytes(key, value);
    this.keys.push(key);
    this.values.push(value);
    this.#index.add(hash, position);
  }

  /** Puts another value at a position and leaves the expiry alone. */
  change(position: number, value: Value): void {
    this.#touch(position, ~value.length);
    this.#owner.used += value.length - (this.values[position] as Value).length;
    this.values[position] = value;
  }

  /** Sets, or with undefined removes, when the key at a position dies. */
  changeExpiry(position: number, at: Expiry | undefined): void {
    this.#touch(position, expiryWord(at));
    const key = this.keys[position] as Bytes;
    if (at !== undefined) {
      this.expiries ??= new Map();
      this.expiries.set(key, at);
    } else if (this.expiries !== null) {
      this.expiries.delete(key);
      if (this.expiries.size === 0) this.expiries = null;
    }
  }

  /** The key has no expiry any more (the caller removed it), and the last key takes its place. */
  removeAt(position: number): void {
    const last = this.keys.length - 1;
    this.#touch(position, 0);
    this.#owner.used -= this.bytesAt(position);
    if (position !== last) this.frozen?.preserve(last);
    this.#index.remove(position);
    if (position !== last) this.#index.move(last, position);
    const lastKey = this.keys.pop() as Bytes;
    const lastValue = this.values.pop() as Value;
    if (position !== last) {
      this.keys[position] = lastKey;
      this.values[position] = lastValue;
    }
    this.#moveAccess(last, position);
    this.#index.shrink();
  }

  /** As the last checkpoint has it: marks nothing. For the restart. */
  restore(key: Bytes, hash: number, value: Value, at: Expiry | undefined): boolean {
    if (this.#index.find(key, hash) !== -1) return false;
    this.#owner.used += recordBytes(key, value);
    this.keys.push(key);
    this.values.push(value);
    this.#index.add(hash, this.persisted);
    this.persisted = this.keys.length;
    if (at !== undefined) {
      this.expiries ??= new Map();
      this.expiries.set(key, at);
    }
    return true;
  }

  /** What the record at a position adds to `used`. */
  bytesAt(position: number): number {
    return recordBytes(this.keys[position] as Bytes, this.values[position] as Value);
  }

  /** When or how often the key at a position was used (access.ts); 0: not known. */
  access(position: number): number {
    return this.#accesses[position] ?? 0;
  }

  setAccess(position: number, word: number): void {
    if (position >= this.#accesses.length) {
      const larger = new Uint32Array(position + (position >> 2) + 4);
      larger.set(this.#accesses);
      this.#accesses = larger;
    }
    this.#accesses[position] = word;
  }

  forgetAccesses(): void {
    this.#accesses = noAccesses;
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

  /** Throws when an invariant does not hold. For tests. */
  check(hasher: KeyHasher): void {
    assert(this.keys.length === this.values.length, "keys and values go in step");
    assert(this.#index.size === this.keys.length, "the index has one position per key");
    this.keys.forEach((key, position) => {
      assert(
        this.#index.find(key, hasher.hashOf(key)) === position,
        "the index knows where each key is",
      );
    });
    for (const key of this.expiries?.keys() ?? []) {
      assert(
        this.#index.find(key, hasher.hashOf(key)) !== -1,
        "only keys that are there have an expiry",
      );
    }
  }

  /** A key that is added later begins without a word. */
  #moveAccess(from: number, to: number): void {
    if (this.#accesses === noAccesses) return;
    this.setAccess(to, this.access(from));
    this.setAccess(from, 0);
  }

  /** Before every change of what stands at a position; `change` says in few bits which one. */
  #touch(position: number, change: number): void {
    const owner = this.#owner;
    owner.trace = traced(owner.trace ^ ((this.number << 24) | position), change);
    if (this.#generation !== owner.generation) this.#enterGeneration();
    if (this.frozen !== null) this.frozen.preserve(position);
    const word = position >>> 5;
    if (word >= this.#dirty.length) this.#growDirty(word);
    this.#dirty[word] = (this.#dirty[word] as number) | (1 << (position & 31));
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

function recordBytes(key: Bytes, value: Value): number {
  return key.length + value.length + recordOverheadBytes;
}

function expiryWord(at: Expiry | undefined): number {
  if (at === undefined) return -1;
  return typeof at === "number" ? at | 0 : Number(BigInt.asIntN(32, at));
}
