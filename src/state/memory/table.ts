// A dense table: records by position, found by their key. Keyspace and collections stand on it.

import { assert } from "../../assert.ts";
import type { Bytes } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import { AddressIndex } from "./address-index.ts";
import type { Arena } from "./arena.ts";
import type { Blob } from "./blob.ts";
import type { DueHeap } from "./due-heap.ts";
import type { Hasher } from "./hasher.ts";
import { PagedWords } from "./paged.ts";
import {
  blobNumberBytes,
  hasExpiry,
  hasKeyBlob,
  hasValueBlob,
  headBytes,
  headBytesOf,
  isDistant,
  type Records,
  recordKeyBytesMax,
  recordValueBytesMax,
  timedHeadBytes,
  typeShift,
} from "./records.ts";
import { slotUnits, unitsOf } from "./sizes.ts";

/** What all tables share. */
export interface TableMemory {
  readonly hasher: Hasher;
  readonly arena: Arena;
  readonly records: Records;
  createBlob(): Blob;
  createValueBlob(): Blob;
  freeBlob(blob: Blob): void;
}

const keptWithValue = hasExpiry | isDistant | hasKeyBlob;

/**
 * Invariants: positions [0, size) are taken; the last record moves into the gap of a removed one, so a record's
 * position only ever falls. Any change of any table may move any record, so an address is good until the next change;
 * what changes a record says where it is afterwards.
 */
export class DenseTable {
  readonly number: number;
  /** Of two keys that fall due at once the one of the lower rank goes first, and within a table that of the lower position. */
  readonly rank: number;
  readonly owner: object | null;
  size = 0;
  /** Records with an expiry. */
  expires = 0;
  /** Bytes that keys and values take: follows from their lengths alone, so it is equal on every node. */
  used = 0;

  readonly #memory: TableMemory;
  readonly #due: DueHeap;
  #index: AddressIndex;
  readonly #addresses = new PagedWords();
  #isDropped = false;
  /** The key that is looked for. */
  #wanted: Bytes = "";

  /** Use `Memory.createTable`. */
  // biome-ignore lint/complexity/useMaxParams: only `Memory.createTable` calls it.
  constructor(
    number: number,
    rank: number,
    due: DueHeap,
    memory: TableMemory,
    owner: object | null,
  ) {
    this.#due = due;
    this.number = number;
    this.rank = rank;
    this.owner = owner;
    this.#memory = memory;
    this.#index = new AddressIndex(this);
  }

  /** The address of a key's record; 0 when it is not here. `hash` is the key's. */
  find(key: Bytes, hash: number): number {
    this.#wanted = key;
    return this.#index.find(hash, this);
  }

  /** As `find`, by position: without a look at the key. Returns its address. */
  seek(position: number): number {
    const address = this.#addresses.get(position);
    this.#index.find(this.hashAt(address), { isAt: (each) => each === address });
    return address;
  }

  addressAt(position: number): number {
    return this.#addresses.get(position);
  }

  // --- Changing --------------------------------------------------------------------------------

  /** The key is not here yet; its record gets the next position. Returns its address. */
  add(key: Bytes, hash: number, type: number, value: Bytes): number {
    const { arena, records } = this.#memory;
    const position = this.size++;
    const keyBlob = key.length > recordKeyBytesMax ? this.#memory.createBlob() : null;
    if (keyBlob !== null) {
      keyBlob.write(0, key);
      keyBlob.hash = hash;
    }
    const valueBlob = value.length > recordValueBytesMax ? this.#newBlob(value) : null;
    const bytes =
      (keyBlob === null ? key.length : blobNumberBytes) +
      (valueBlob === null ? value.length : blobNumberBytes);
    const address = arena.alloc(unitsOf(headBytes + bytes));
    records.put(address, position, this.number, type, keyBlob ?? key, valueBlob ?? value);
    this.#addresses.reserve(this.size);
    this.#addresses.set(position, address);
    this.#index.add(hash, address);
    this.used += records.room(address);
    return address;
  }

  /** Another value, perhaps of another type; the expiry stays. The record was found last. */
  setValue(address: number, type: number, value: Bytes): number {
    const { records } = this.#memory;
    if (records.fits(address, type, value.length)) {
      records.putValue(address, 0, value);
      return address;
    }
    const position = records.position(address);
    const before = records.room(address);
    const blobBefore = records.valueBlob(address);
    const flags = (records.flags(address) & keptWithValue) | (type << typeShift);
    if (value.length > recordValueBytesMax) this.#setBlob(address, flags, this.#newBlob(value));
    else records.putValue(this.#resize(address, value.length, flags), 0, value);
    // Whatever frees memory may move this record too.
    if (blobBefore !== null) this.#memory.freeBlob(blobBefore);
    return this.#changed(position, before);
  }

  /**
   * Overwrites the value from a place on, makes it longer where it ends before, with zeros in a gap. The record was
   * found last.
   */
  writeValue(address: number, at: number, bytes: Bytes): number {
    const { records } = this.#memory;
    const position = records.position(address);
    const before = records.room(address);
    const was = records.valueLength(address);
    const length = Math.max(was, at + bytes.length);
    const blob = records.valueBlob(address);
    if (blob !== null) blob.write(at, bytes);
    else if (length > recordValueBytesMax) {
      const larger = this.#newBlob(records.value(address));
      larger.write(at, bytes);
      const present = this.addressAt(position);
      this.#setBlob(present, records.flags(present), larger);
    } else {
      const to = length > was ? this.#resize(address, length, records.flags(address)) : address;
      if (at > was) records.zeroValue(to, was, at);
      records.putValue(to, at, bytes);
    }
    return this.#changed(position, before);
  }

  /** Gives the record a blob that no other one holds. It was found last. */
  setValueBlob(address: number, type: number, blob: Blob): number {
    const { records } = this.#memory;
    const position = records.position(address);
    const before = records.room(address);
    const blobBefore = records.valueBlob(address);
    this.#setBlob(address, (records.flags(address) & keptWithValue) | (type << typeShift), blob);
    if (blobBefore !== null) this.#memory.freeBlob(blobBefore);
    return this.#changed(position, before);
  }

  /** Takes its blob away from a record, whose value is empty afterwards. It was found last. */
  takeValueBlob(address: number): Blob {
    const { records } = this.#memory;
    const position = records.position(address);
    const before = records.room(address);
    const blob = records.valueBlob(address);
    assert(blob !== null, "the value lies in a blob");
    this.#resize(address, 0, records.flags(address) & ~hasValueBlob);
    this.#changed(position, before);
    return blob;
  }

  /** With undefined the expiry goes. The record was found last. */
  setExpiry(address: number, at: Expiry | undefined): number {
    const { records } = this.#memory;
    const had = records.expiry(address);
    if (had === at) return address;
    if (at === undefined) return this.#dropExpiry(address);
    const position = records.position(address);
    const before = records.room(address);
    const distant = typeof at === "bigint" ? isDistant : 0;
    const flags = (records.flags(address) & ~isDistant) | hasExpiry | distant;
    if (had === undefined) {
      const to = this.#rehead(address, timedHeadBytes, flags);
      this.expires++;
      this.#fallDue(to, undefined, at);
    } else {
      this.#fallDue(address, had, at);
      records.setFlags(address, this.number, flags);
    }
    return this.#changed(position, before);
  }

  /** The record was found last. The one at the last position takes its position. */
  remove(address: number): void {
    const { records } = this.#memory;
    const position = records.position(address);
    this.used -= records.room(address);
    this.#index.removeFound();
    const last = --this.size;
    if (position !== last) {
      const moved = this.#addresses.get(last);
      this.#addresses.set(position, moved);
      records.setPosition(moved, position);
      if (records.hasExpiry(moved)) this.#due.rise(records.duePlace(moved));
    }
    this.#release(address);
    this.#addresses.shrink(last);
  }

  // --- The end ---------------------------------------------------------------------------------

  /** Nobody looks for anything here any more, and its due heap goes with it: its records go with `reclaim`. */
  drop(): void {
    this.#isDropped = true;
    this.#index = new AddressIndex(this);
  }

  /** Of a dropped table: gives back at most so many records. */
  reclaim(max: number): void {
    for (let left = max; left > 0 && this.size > 0; left--) {
      this.#release(this.#addresses.get(--this.size));
      this.#addresses.shrink(this.size);
    }
  }

  // --- For the arena and the index -------------------------------------------------------------

  /** The slot of one of its records was moved; `to` holds it. */
  moved(from: number, to: number): void {
    const { records } = this.#memory;
    this.#addresses.set(records.position(to), to);
    if (this.#isDropped) return;
    if (records.hasExpiry(to)) this.#due.moved(records.duePlace(to), to);
    this.#index.move(records.hash(to), from, to);
  }

  isAt(address: number): boolean {
    return this.#memory.records.hasKey(address, this.#wanted);
  }

  hashAt(address: number): number {
    return this.#memory.records.hash(address);
  }

  /** What index and positions take. */
  get besideBytes(): number {
    return this.#index.bytes + this.#addresses.bytes;
  }

  /** Throws when an invariant does not hold. For tests. */
  check(): void {
    const { records, hasher } = this.#memory;
    let used = 0;
    let expires = 0;
    for (let position = 0; position < this.size; position++) {
      const address = this.#addresses.get(position);
      assert(records.position(address) === position, "a record knows its position");
      assert(records.table(address) === this.number, "a record knows its table");
      const key = records.key(address);
      assert(this.find(key, hasher.hashOf(key)) === address, "the index knows where each key is");
      used += records.room(address);
      if (records.expiry(address) !== undefined) expires++;
    }
    this.#index.check();
    assert(this.#index.size === this.size, "the index has one cell per record");
    assert(used === this.used, `${used} bytes are used, ${this.used} are counted`);
    assert(expires === this.expires, `${expires} expiries are there, ${this.expires} are counted`);
  }

  // ---------------------------------------------------------------------------------------------

  /** The record at a position took so much room before. Returns its address. */
  #changed(position: number, roomBefore: number): number {
    const address = this.addressAt(position);
    this.used += this.#memory.records.room(address) - roomBefore;
    return address;
  }

  #newBlob(bytes: Bytes): Blob {
    const blob = this.#memory.createValueBlob();
    blob.write(0, bytes);
    return blob;
  }

  #setBlob(address: number, flags: number, blob: Blob): void {
    const to = this.#resize(address, blobNumberBytes, flags | hasValueBlob);
    this.#memory.records.putValueBlob(to, blob);
  }

  /** Another length of what stands in the record as its value, and other flags, but no other head. */
  #resize(address: number, valueBytes: number, flags: number): number {
    const { records } = this.#memory;
    const end = records.bytes(address);
    const valueBefore = records.valueBytes(address);
    const kept = end - Math.max(0, valueBefore - valueBytes);
    const to = this.#room(address, end - valueBefore + valueBytes);
    if (to !== address) records.copy(address, 0, kept, to, 0);
    const units = records.units(address);
    records.setFlags(to, this.number, flags);
    records.setValueBytes(to, valueBytes);
    if (to !== address) this.#replace(address, to, units);
    return to;
  }

  /** Another head, for an expiry that comes or goes. */
  #rehead(address: number, head: number, flags: number): number {
    const { records } = this.#memory;
    const end = records.bytes(address);
    const headBefore = headBytesOf(records.flags(address));
    const to = this.#room(address, end - headBefore + head);
    const units = records.units(address);
    records.copy(address, headBefore, end, to, head);
    if (to !== address) records.copy(address, 0, headBytes, to, 0);
    records.setFlags(to, this.number, flags);
    if (to !== address) this.#replace(address, to, units);
    return to;
  }

  /** The same slot where it has the size for so many bytes, else a new one. */
  #room(address: number, bytes: number): number {
    const units = slotUnits(unitsOf(bytes));
    const { arena, records } = this.#memory;
    return units === records.units(address) ? address : arena.alloc(units);
  }

  /** `to` is the record now, instead of the one at `from`, which was found last. */
  #replace(from: number, to: number, units: number): void {
    const { arena, records } = this.#memory;
    this.#addresses.set(records.position(to), to);
    if (records.hasExpiry(from) && records.hasExpiry(to)) this.#due.moved(records.duePlace(to), to);
    this.#index.movedFound(to);
    arena.free(from, units);
  }

  #dropExpiry(address: number): number {
    const { records } = this.#memory;
    const position = records.position(address);
    const before = records.room(address);
    if (records.hasExpiry(address)) this.#due.remove(records.duePlace(address));
    this.#rehead(address, headBytes, records.flags(address) & ~(hasExpiry | isDistant));
    this.expires--;
    return this.#changed(position, before);
  }

  /** Writes the expiry of a record that has room for it, and its place in the due heap. */
  #fallDue(address: number, had: Expiry | undefined, at: Expiry): void {
    const { records } = this.#memory;
    records.setExpiry(address, at);
    const dueMs = typeof at === "number" ? at : Number.POSITIVE_INFINITY;
    if (had === undefined) this.#due.add(dueMs, address);
    else this.#due.change(records.duePlace(address), dueMs);
  }

  /** Gives back a record that nothing names any more, with its place in the due heap and its blobs. */
  #release(address: number): void {
    const { arena, records } = this.#memory;
    if (records.expiry(address) !== undefined) this.expires--;
    if (records.hasExpiry(address) && !this.#isDropped) this.#due.remove(records.duePlace(address));
    const keyBlob = records.keyBlob(address);
    const valueBlob = records.valueBlob(address);
    arena.free(address, records.units(address));
    if (keyBlob !== null) this.#memory.freeBlob(keyBlob);
    if (valueBlob !== null) this.#memory.freeBlob(valueBlob);
  }
}
