// The layout of a record: everything about one key, in a slot of the arena.
//
// Bytes from the slot's start, little endian
//   0   u32      position in its table
//   4   u24, u8  number of the table; flags and type
//   8   u16, u16 length of the key and of the value, as they stand in the record
//   12           key, value; with an expiry they begin at 24, after
//   12  u32      place in the due heap
//   16  f64, i64 expiry, Unix time in ms
// A key or value that is too large for a record lies in a blob, and the record holds the blob's number (u32).

import { cutBytes } from "../../resp/cut-bytes.ts";
import type { Bytes } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import { type Arena, chunkUnitsMask, chunkUnitsShift } from "./arena.ts";
import type { Blob } from "./blob.ts";
import type { Hasher } from "./hasher.ts";
import { slotUnits, unitBytes, unitShift, unitsOf } from "./sizes.ts";
import { wordAt } from "./words.ts";

/** Flags of a record; its type, as its owner has named it, stands above them. */
export const hasExpiry = 1;
/** The expiry is an i64 beyond every safe integer: it never falls due. */
export const isDistant = 2;
export const hasKeyBlob = 4;
export const hasValueBlob = 8;
export const typeShift = 4;
const flagsMask = 0x0f;
export const typeMax = 15;

export const headBytes = 12;
export const timedHeadBytes = 24;
export const blobNumberBytes = 4;
/** Longer ones lie in blobs. */
export const recordKeyBytesMax: number = 1024;
export const recordValueBytesMax: number = 16 * 1024;
/** Below this length a loop beats the call into native code. */
const loopBytesMax = 48;

/** What a record takes beside its slot: its cells in index and positions, and with an expiry in the due heap. */
const besideBytes = 16;
const besideTimedBytes = 16;
/** And what the blob of a long key or value takes beside its bytes. */
const besideBlobBytes = 256;

/**
 * At most so much room do so many keys with so many bytes of keys and values take. Slots waste a sixteenth, or 8 bytes;
 * what a blob takes beside its bytes is less than a sixteenth of them.
 */
export function roomBound(bytes: number, keys: number): number {
  const each = timedHeadBytes + unitBytes + besideBytes + besideTimedBytes;
  return bytes + Math.floor(bytes / 16) + keys * each;
}

/** Reads records, and writes their fields. An address is a record's present place: any change may move it. */
export class Records {
  readonly #arena: Arena;
  readonly #hasher: Hasher;
  readonly #blob: (number: number) => Blob;

  constructor(arena: Arena, hasher: Hasher, blob: (number: number) => Blob) {
    this.#arena = arena;
    this.#hasher = hasher;
    this.#blob = blob;
  }

  // --- Fields ----------------------------------------------------------------------------------

  position(address: number): number {
    return this.#words(address)[wordOf(address)] as number;
  }
  setPosition(address: number, position: number): void {
    this.#words(address)[wordOf(address)] = position;
  }
  table(address: number): number {
    return (this.#words(address)[wordOf(address) + 1] as number) & 0xff_ffff;
  }
  flags(address: number): number {
    return (this.#words(address)[wordOf(address) + 1] as number) >>> 24;
  }
  setFlags(address: number, table: number, flags: number): void {
    this.#words(address)[wordOf(address) + 1] = table | (flags << 24);
  }
  /** As it stands in the record. */
  valueBytes(address: number): number {
    return (this.#words(address)[wordOf(address) + 2] as number) >>> 16;
  }
  setValueBytes(address: number, bytes: number): void {
    const words = this.#words(address);
    const at = wordOf(address) + 2;
    words[at] = ((words[at] as number) & 0xffff) | (bytes << 16);
  }
  duePlace(address: number): number {
    return this.#words(address)[wordOf(address) + 3] as number;
  }
  setDuePlace(address: number, place: number): void {
    this.#words(address)[wordOf(address) + 3] = place;
  }

  type(address: number): number {
    return this.flags(address) >>> typeShift;
  }

  setType(address: number, type: number): void {
    const flags = (this.flags(address) & flagsMask) | (type << typeShift);
    this.setFlags(address, this.table(address), flags);
  }

  expiry(address: number): Expiry | undefined {
    const flags = this.flags(address);
    if ((flags & hasExpiry) === 0) return undefined;
    if ((flags & isDistant) !== 0) return this.#page(address).readBigInt64LE(byteOf(address) + 16);
    return this.#doubles(address)[(address & chunkUnitsMask) + 2];
  }
  setExpiry(address: number, at: Expiry): void {
    if (typeof at === "number") this.#doubles(address)[(address & chunkUnitsMask) + 2] = at;
    else this.#page(address).writeBigInt64LE(at, byteOf(address) + 16);
  }

  /** When it falls due: Infinity when it never does. */
  dueMs(address: number): number {
    return (this.flags(address) & (hasExpiry | isDistant)) === hasExpiry
      ? (this.#doubles(address)[(address & chunkUnitsMask) + 2] as number)
      : Number.POSITIVE_INFINITY;
  }

  hasExpiry(address: number): boolean {
    return (this.flags(address) & hasExpiry) !== 0;
  }

  // --- Key -------------------------------------------------------------------------------------

  key(address: number): Bytes {
    const blob = this.keyBlob(address);
    if (blob !== null) return blob.read(0, blob.length);
    const from = this.#keyAt(address);
    return cutBytes(this.#page(address), from, from + this.#keyBytes(address));
  }

  keyLength(address: number): number {
    return this.keyBlob(address)?.length ?? this.#keyBytes(address);
  }

  /** Into a buffer that has room; returns the key's length. */
  copyKey(address: number, into: Buffer, at: number): number {
    const blob = this.keyBlob(address);
    if (blob !== null) {
      blob.copy(into, at, 0, blob.length);
      return blob.length;
    }
    const from = this.#keyAt(address);
    return this.#page(address).copy(into, at, from, from + this.#keyBytes(address));
  }

  keyBlob(address: number): Blob | null {
    if ((this.flags(address) & hasKeyBlob) === 0) return null;
    return this.#blob(this.#page(address).readUInt32LE(this.#keyAt(address)));
  }

  hasKey(address: number, key: Bytes): boolean {
    const words = this.#words(address);
    const at = wordOf(address);
    const flags = (words[at + 1] as number) >>> 24;
    if ((flags & hasKeyBlob) !== 0) return this.keyBlob(address)?.equals(key) === true;
    const { length } = key;
    if (((words[at + 2] as number) & 0xffff) !== length) return false;
    const page = this.#page(address);
    const from = 4 * at + headBytesOf(flags);
    if (length > loopBytesMax) return page.toString("latin1", from, from + length) === key;
    let each = 0;
    for (let word = from >>> 2; each + 4 <= length; each += 4, word++) {
      if ((words[word] as number) !== wordAt(key, each) >>> 0) return false;
    }
    for (; each < length; each++) if (page[from + each] !== key.charCodeAt(each)) return false;
    return true;
  }

  hash(address: number): number {
    const blob = this.keyBlob(address);
    if (blob !== null) return blob.hash;
    return this.#hasher.hashOfBytes(
      this.#page(address),
      this.#keyAt(address),
      this.#keyBytes(address),
    );
  }

  // --- Value -----------------------------------------------------------------------------------

  value(address: number): Bytes {
    const words = this.#words(address);
    const at = wordOf(address);
    const flags = (words[at + 1] as number) >>> 24;
    if ((flags & hasValueBlob) !== 0) {
      const blob = this.valueBlob(address) as Blob;
      return blob.read(0, blob.length);
    }
    const lengths = words[at + 2] as number;
    const from = 4 * at + headBytesOf(flags) + (lengths & 0xffff);
    return cutBytes(this.#page(address), from, from + (lengths >>> 16));
  }

  valueLength(address: number): number {
    return this.valueBlob(address)?.length ?? this.valueBytes(address);
  }

  /** [from, to) of it; the caller has clamped both. */
  valueRange(address: number, from: number, to: number): Bytes {
    const blob = this.valueBlob(address);
    if (blob !== null) return blob.read(from, to);
    const at = this.valueAt(address);
    return cutBytes(this.#page(address), at + from, at + to);
  }

  /** One that lies in its record, into a buffer that has room; returns its length. */
  copyValue(address: number, into: Buffer, at: number): number {
    const from = this.valueAt(address);
    return this.#page(address).copy(into, at, from, from + this.valueBytes(address));
  }

  valueBlob(address: number): Blob | null {
    if ((this.flags(address) & hasValueBlob) === 0) return null;
    return this.#blob(this.#page(address).readUInt32LE(this.valueAt(address)));
  }

  /** A value of this type and length takes the place of the present one as it is. */
  fits(address: number, type: number, length: number): boolean {
    const words = this.#words(address);
    const at = wordOf(address);
    const flags = (words[at + 1] as number) >>> 24;
    if ((flags & hasValueBlob) !== 0 || flags >>> typeShift !== type) return false;
    return (words[at + 2] as number) >>> 16 === length;
  }

  /** Where the value begins in its chunk. */
  valueAt(address: number): number {
    return this.#keyAt(address) + this.#keyBytes(address);
  }

  /** Overwrites a part of a value that lies in its record and is long enough. */
  putValue(address: number, at: number, value: Bytes): void {
    putBytes(this.#page(address), this.valueAt(address) + at, value);
  }
  zeroValue(address: number, from: number, to: number): void {
    const at = this.valueAt(address);
    this.#page(address).fill(0, at + from, at + to);
  }
  putValueBlob(address: number, blob: Blob): void {
    this.#page(address).writeUInt32LE(blob.number, this.valueAt(address));
  }

  // --- The whole record ------------------------------------------------------------------------

  /** Bytes from its start to the end of its value. */
  bytes(address: number): number {
    return headBytesOf(this.flags(address)) + this.#keyBytes(address) + this.valueBytes(address);
  }

  /** Units of its slot. */
  units(address: number): number {
    return slotUnits(unitsOf(this.bytes(address)));
  }

  /** The room that it takes with all that belongs to it, from lengths alone. */
  room(address: number): number {
    const flags = this.flags(address);
    let room = this.roomWithoutParts(address);
    if ((flags & hasValueBlob) !== 0) {
      room += (this.valueBlob(address) as Blob).length + besideBlobBytes;
    }
    return room;
  }

  /** The same without a value that has a blob: on disk that lies in parts. */
  roomWithoutParts(address: number): number {
    const flags = this.flags(address);
    let room = this.units(address) * unitBytes + besideBytes;
    if ((flags & hasExpiry) !== 0) room += besideTimedBytes;
    if ((flags & hasKeyBlob) !== 0)
      room += (this.keyBlob(address) as Blob).length + besideBlobBytes;
    return room;
  }

  /** Head and key of a new record without an expiry. Key and value are strings, or the blobs of longer ones. */
  // biome-ignore lint/complexity/useMaxParams: runs for every new key; an object would cost as much.
  put(
    address: number,
    position: number,
    table: number,
    type: number,
    key: Bytes | Blob,
    value: Bytes | Blob,
  ): void {
    const words = this.#words(address);
    const at = wordOf(address);
    const keyBytes = typeof key === "string" ? key.length : blobNumberBytes;
    const valueBytes = typeof value === "string" ? value.length : blobNumberBytes;
    const flags =
      (type << typeShift) |
      (typeof key === "string" ? 0 : hasKeyBlob) |
      (typeof value === "string" ? 0 : hasValueBlob);
    words[at] = position;
    words[at + 1] = table | (flags << 24);
    words[at + 2] = keyBytes | (valueBytes << 16);
    const page = this.#page(address);
    const keyAt = 4 * at + headBytes;
    if (typeof key === "string") putBytes(page, keyAt, key);
    else page.writeUInt32LE(key.number, keyAt);
    if (typeof value === "string") putBytes(page, keyAt + keyBytes, value);
    else page.writeUInt32LE(value.number, keyAt + keyBytes);
  }

  /** Copies [from, end) of a record to a place in another slot, or in the same. */
  // biome-ignore lint/complexity/useMaxParams: a range and two places.
  copy(source: number, from: number, end: number, target: number, at: number): void {
    const start = byteOf(source);
    this.#page(source).copy(this.#page(target), byteOf(target) + at, start + from, start + end);
  }

  // ---------------------------------------------------------------------------------------------

  #keyBytes(address: number): number {
    return (this.#words(address)[wordOf(address) + 2] as number) & 0xffff;
  }
  #keyAt(address: number): number {
    return byteOf(address) + headBytesOf(this.flags(address));
  }
  #page(address: number): Buffer {
    return this.#arena.bytes[address >>> chunkUnitsShift] as Buffer;
  }
  #words(address: number): Uint32Array {
    return this.#arena.words[address >>> chunkUnitsShift] as Uint32Array;
  }
  #doubles(address: number): Float64Array {
    return this.#arena.doubles[address >>> chunkUnitsShift] as Float64Array;
  }
}

export function headBytesOf(flags: number): number {
  return (flags & hasExpiry) === 0 ? headBytes : timedHeadBytes;
}

/** Places of a slot's start within its chunk: in bytes, and in words of 4. */
function byteOf(address: number): number {
  return (address & chunkUnitsMask) << unitShift;
}
function wordOf(address: number): number {
  return (address & chunkUnitsMask) << (unitShift - 2);
}

function putBytes(page: Buffer, at: number, bytes: Bytes): void {
  const { length } = bytes;
  if (length > loopBytesMax) {
    page.write(bytes, at, "latin1");
    return;
  }
  for (let each = 0; each < length; each++) page[at + each] = bytes.charCodeAt(each);
}
