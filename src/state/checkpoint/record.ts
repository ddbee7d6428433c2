// Records of a checkpoint as bytes: a key that orders them, a value with its own checksum.
//
// Key    "r", physical database u48, partition u16, position u32, all big endian: LevelDB's order is ours
// Value  type and expiry kind u8, expiry (8 bytes, if any), key length u32, key, value, CRC-32 u32
//        little endian; the checksum begins with the record's place, so it covers the record key too
//
// Runs for every key at a restart: no objects, one native call for the checksum.

import { crc32 } from "node:zlib";
import { cutBytes } from "../../resp/cut-bytes.ts";
import type { Bytes } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import type { Partition } from "../keyspace/partition.ts";
import { plainString, typeCount } from "../keyspace/types.ts";
import type { Records } from "../memory/records.ts";

const recordKeyBytes = 13;
const prefix = "r".charCodeAt(0);

/** What kind of value follows (keyspace/types.ts): the low four bits of the first byte. */
const typeMask = 0x0f;
/** How the expiry is written: not at all, as f64, as i64. */
const expiryNumber = 0x10;
const expiryBigint = 0x20;

const checksumBytes = 4;
/** A checksum over bytes that end with their own checksum is always this. */
const residue = 0x2144df1c;
/** Larger records get a buffer of their own, which is not kept. */
const scratchBytes = 256 * 1024;
/** Views of the scratch of these lengths are made once: most records are small. */
const keptViews = 512;

/** The first record key of a database: all of its records lie in [this, the same of id + 1). */
export function firstRecordKey(database: number): Buffer {
  const key = Buffer.alloc(recordKeyBytes);
  putRecordKey(key, database, 0, 0);
  return key;
}

function putRecordKey(into: Buffer, database: number, partition: number, position: number): void {
  into[0] = prefix;
  into.writeUIntBE(database, 1, 6);
  into.writeUInt16BE(partition, 7);
  into.writeUInt32BE(position, 9);
}

/**
 * What the checksum starts with: 32 bits of the place. Two places that one flipped bit sets apart give
 * different ones, and then all checksums of equal bytes differ.
 */
function placeSeed(database: number, partition: number, position: number): number {
  return ((partition << 18) ^ position ^ Math.imul(database, 0x9e3779b1)) >>> 0;
}

/** Encodes one record after the other into the same memory, good until the next call. */
export class RecordEncoder {
  readonly key: Buffer = Buffer.alloc(recordKeyBytes);
  value: Buffer = this.key;
  /** Of the record that was encoded last; 32 bits. */
  checksum = 0;

  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  readonly #views: Buffer[] = [];

  /** For a deletion: `key` alone. */
  encodeKey(database: number, partition: number, position: number): void {
    putRecordKey(this.key, database, partition, position);
  }

  encode(database: number, records: Records, partition: Partition, position: number): void {
    const address = partition.table.addressAt(position);
    putRecordKey(this.key, database, partition.number, position);

    const keyLength = records.keyLength(address);
    const sizeMax = 13 + keyLength + records.valueLength(address) + checksumBytes;
    const into = sizeMax <= scratchBytes ? this.#scratch : Buffer.allocUnsafeSlow(sizeMax);
    let at = putExpiry(into, records.type(address), records.expiry(address));
    at = into.writeUInt32LE(keyLength, at);
    at += records.copyKey(address, into, at);
    const blob = records.valueBlob(address);
    if (blob === null) at += records.copyValue(address, into, at);
    else {
      blob.copy(into, at, 0, blob.length);
      at += blob.length;
    }
    this.checksum = crc32(this.#view(into, at), placeSeed(database, partition.number, position));
    into.writeUInt32LE(this.checksum, at);
    this.value = this.#view(into, at + checksumBytes);
  }

  #view(of: Buffer, length: number): Buffer {
    if (of !== this.#scratch || length >= keptViews) return of.subarray(0, length);
    this.#views[length] ??= of.subarray(0, length);
    return this.#views[length];
  }
}

/** Type and expiry; returns the place behind them. */
function putExpiry(into: Buffer, type: number, expireAt: Expiry | undefined): number {
  if (expireAt === undefined) {
    into[0] = type;
    return 1;
  }
  if (typeof expireAt === "number") {
    into[0] = type | expiryNumber;
    return into.writeDoubleLE(expireAt, 1);
  }
  into[0] = type | expiryBigint;
  return into.writeBigInt64LE(expireAt, 1);
}

/** Decodes one record after the other; the fields hold until the next call. */
export class RecordDecoder {
  database = 0;
  partition = 0;
  position = 0;
  key: Bytes = "";
  type = plainString;
  value: Bytes = "";
  expireAt: Expiry | undefined;
  checksum = 0;

  /** False when it is no record key. */
  decodeKey(recordKey: Buffer): boolean {
    if (recordKey.length !== recordKeyBytes || recordKey[0] !== prefix) return false;
    this.database = recordKey.readUInt16BE(1) * 2 ** 32 + recordKey.readUInt32BE(3);
    this.partition = recordKey.readUInt16BE(7);
    this.position = recordKey.readUInt32BE(9);
    return true;
  }

  /** After `decodeKey`: null, or what is wrong. The bytes may have changed on the disk. */
  decodeValue(bytes: Buffer): string | null {
    const end = bytes.length - checksumBytes;
    if (end < 5) return `${this.place} is too short`;
    const seed = placeSeed(this.database, this.partition, this.position);
    if (crc32(bytes, seed) !== residue) return `${this.place} has a wrong checksum`;

    // From here on the bytes are what we wrote.
    this.checksum = bytes.readInt32LE(end);
    const kind = bytes[0] as number;
    this.type = kind & typeMask;
    if (this.type >= typeCount) return `${this.place} has an unknown type`;
    let at = 1;
    this.expireAt = undefined;
    if (kind !== this.type) {
      if (end < 13) return `${this.place} is too short`;
      this.expireAt = kind & expiryNumber ? bytes.readDoubleLE(at) : bytes.readBigInt64LE(at);
      at += 8;
    }
    const keyEnd = at + 4 + bytes.readUInt32LE(at);
    if (keyEnd > end) return `${this.place} has a key beyond its end`;
    this.key = cutBytes(bytes, at + 4, keyEnd);
    this.value = cutBytes(bytes, keyEnd, end);
    return null;
  }

  /** In words. */
  get place(): string {
    return `record ${this.position} of partition ${this.partition} of database ${this.database}`;
  }
}
