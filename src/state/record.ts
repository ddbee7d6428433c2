// Records of a checkpoint as bytes: a key that orders them, a value with its own checksum.
//
// Key    "r", physical database u48, slot u16, position u32, all big endian: LevelDB's order is ours
// Value  type and expiry kind u8, expiry (8 bytes, if any), key length u32, key, value, CRC-32 u32
//        little endian; the checksum covers the record key too

import { crc32 } from "node:zlib";
import { assert } from "../assert.ts";
import type { Bytes } from "../resp/reply.ts";
import type { DenseSlot } from "./dense-slot.ts";
import type { Expiry, Value } from "./views.ts";

export const recordKeyBytes = 13;
const prefix = "r".charCodeAt(0);

/** What kind of value follows; the low four bits of the first byte. */
const typeString = 0;
const typeMask = 0x0f;
/** How the expiry is written: not at all, as f64, as i64. */
const expiryNumber = 0x10;
const expiryBigint = 0x20;

const checksumBytes = 4;
/** Larger records get a buffer of their own, which is not kept. */
const scratchBytes = 256 * 1024;

/** Where a record stands. */
export interface RecordPlace {
  readonly database: number;
  readonly slot: number;
  readonly position: number;
}

export interface DecodedRecord extends RecordPlace {
  readonly key: Bytes;
  readonly value: Value;
  readonly expireAt: Expiry | undefined;
  readonly checksum: number;
}

/** The first record key of a database: all of its records lie in [this, the same of id + 1). */
export function firstRecordKey(database: number): Buffer {
  const key = Buffer.alloc(recordKeyBytes);
  putRecordKey(key, database, 0, 0);
  return key;
}

function putRecordKey(into: Buffer, database: number, slot: number, position: number): void {
  into[0] = prefix;
  into.writeUIntBE(database, 1, 6);
  into.writeUInt16BE(slot, 7);
  into.writeUInt32BE(position, 9);
}

/**
 * Encodes one record after the other into the same memory: `key` and `value` hold until the next
 * call. The key stands right before the value, so that one checksum covers both.
 */
export class RecordEncoder {
  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  readonly #scratchKey = this.#scratch.subarray(0, recordKeyBytes);

  key: Buffer = this.#scratchKey;
  value: Buffer = this.#scratchKey;
  /** Of the record that was encoded last. */
  checksum = 0;

  /** For a deletion: `key` alone. */
  encodeKey(database: number, slot: number, position: number): void {
    this.key = this.#scratchKey;
    putRecordKey(this.#scratch, database, slot, position);
  }

  encode(database: number, slot: DenseSlot, position: number): void {
    const key = slot.keys[position] as Bytes;
    const value = slot.values[position] as Value;
    assert(typeof value === "string", "strings are the only values of this version");
    const sizeMax = recordKeyBytes + 13 + key.length + value.length + checksumBytes;
    const into = sizeMax <= scratchBytes ? this.#scratch : Buffer.allocUnsafeSlow(sizeMax);
    this.key = into === this.#scratch ? this.#scratchKey : into.subarray(0, recordKeyBytes);
    putRecordKey(into, database, slot.number, position);

    let at = putExpiry(into, recordKeyBytes, slot.expiries?.get(key));
    at = into.writeUInt32LE(key.length, at);
    at += into.write(key, at, "latin1");
    at += into.write(value, at, "latin1");
    this.checksum = crc32(into.subarray(0, at));
    into.writeUInt32LE(this.checksum, at);
    this.value = into.subarray(recordKeyBytes, at + checksumBytes);
  }
}

/** Type and expiry; returns the place behind them. */
function putExpiry(into: Buffer, at: number, expireAt: Expiry | undefined): number {
  if (expireAt === undefined) {
    into[at] = typeString;
    return at + 1;
  }
  if (typeof expireAt === "number") {
    into[at] = typeString | expiryNumber;
    return into.writeDoubleLE(expireAt, at + 1);
  }
  into[at] = typeString | expiryBigint;
  return into.writeBigInt64LE(expireAt, at + 1);
}

/** Where a record key says its record stands; null when it is none. */
export function decodeRecordKey(recordKey: Buffer): RecordPlace | null {
  if (recordKey.length !== recordKeyBytes || recordKey[0] !== prefix) return null;
  return {
    database: recordKey.readUIntBE(1, 6),
    slot: recordKey.readUInt16BE(7),
    position: recordKey.readUInt32BE(9),
  };
}

/** The record, or what is wrong with it: its bytes may have changed on the disk. */
export function decodeRecord(recordKey: Buffer, bytes: Buffer): DecodedRecord | string {
  const place = decodeRecordKey(recordKey);
  if (place === null) return `unknown record key ${recordKey.toString("hex")}`;
  const end = bytes.length - checksumBytes;
  if (end < 5) return `${describe(place)} is too short`;
  const checksum = crc32(bytes.subarray(0, end), crc32(recordKey));
  if (checksum !== bytes.readUInt32LE(end)) return `${describe(place)} has a wrong checksum`;

  // From here on the bytes are what we wrote.
  const kind = bytes[0] as number;
  if ((kind & typeMask) !== typeString) return `${describe(place)} has an unknown type`;
  let at = 1;
  let expireAt: Expiry | undefined;
  if (kind & expiryNumber) expireAt = bytes.readDoubleLE(at);
  else if (kind & expiryBigint) expireAt = bytes.readBigInt64LE(at);
  if (expireAt !== undefined) at += 8;
  const keyEnd = at + 4 + bytes.readUInt32LE(at);
  if (keyEnd > end) return `${describe(place)} has a key beyond its end`;
  const key = bytes.toString("latin1", at + 4, keyEnd);
  return { ...place, key, value: bytes.toString("latin1", keyEnd, end), expireAt, checksum };
}

export function describe({ database, slot, position }: RecordPlace): string {
  return `record ${position} of slot ${slot} of database ${database}`;
}
