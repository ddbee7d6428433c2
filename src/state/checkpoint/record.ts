// The values of a checkpoint's records as bytes, each with its own checksum.
//
// record     type and expiry kind u8, expiry (8 bytes, if any), key length u32, key, then the value, or of a long one
//            object id u48 and length u48
// part       its bytes, without the zeros at their end
// partition  database id u48, number u16, keys u32, expires u32, used f64, digest i32
// origin     incarnation f64, highest f64
// then       CRC-32 u32 of the bytes before it. All numbers are little endian.
//
// Runs for every key at a restart: no objects, one native call for the checksum.

import { crc32 } from "node:zlib";
import { cutBytes } from "../../resp/cut-bytes.ts";
import type { Bytes } from "../../resp/reply.ts";
import type { Origin } from "../execution/origins.ts";
import type { Expiry } from "../expiry.ts";
import type { ObjectParts } from "../keyspace/object-parts.ts";
import { plainString, typeCount } from "../keyspace/types.ts";
import { blockBytes } from "../memory/blob.ts";
import { type Records, recordValueBytesMax } from "../memory/records.ts";
import { checksumSeed, RecordKeyReader, RecordKeyWriter, type RecordKind } from "./record-key.ts";

/** What kind of value follows (keyspace/types.ts): the low four bits of the first byte. */
const typeMask = 0x0f;
/** How the expiry is written: not at all, as f64, as i64. */
const expiryNumber = 0x10;
const expiryBigint = 0x20;
/** The value lies in parts. */
const inParts = 0x40;
const kindMask = typeMask | expiryNumber | expiryBigint | inParts;

const objectBytes = 12;
const rowBytes = 28;
const originBytes = 16;
const checksumBytes = 4;
/** A checksum over bytes that end with their own checksum is always this. */
const residue = 0x2144df1c;
/** Larger records get a buffer of their own, which is not kept. */
const scratchBytes = 256 * 1024;
/** Views of the scratch of these lengths are made once: most records are small. */
const keptViews = 512;

/** One partition as its row has it. */
export interface PartitionRow {
  /** Of the physical database, and the partition's number in it. */
  readonly database: number;
  readonly number: number;
  readonly keys: number;
  readonly expires: number;
  readonly used: number;
  /** XOR of the mixed checksums of all its records. */
  readonly digest: number;
}

/** Encodes one record after the other into the same memory, good until the next call. */
export class RecordEncoder {
  key: Buffer = Buffer.alloc(0);
  value: Buffer = this.key;
  /** Of the record that was encoded last; 32 bits. */
  checksum = 0;

  readonly #keys = new RecordKeyWriter();
  readonly #scratch = Buffer.allocUnsafeSlow(scratchBytes);
  readonly #views: Buffer[] = [];

  /** For a deletion: `key` alone. */
  encodeKey(kind: RecordKind, id: number, place = 0): void {
    this.key = this.#keys.write(kind, id, place);
  }

  /** `parts`: of a value that lies in a blob. */
  // biome-ignore lint/complexity/useMaxParams: runs for every record; an object would cost as much.
  encodeRecord(
    partition: number,
    position: number,
    records: Records,
    address: number,
    parts: ObjectParts | null,
  ): void {
    this.encodeKey("record", partition, position);
    const keyLength = records.keyLength(address);
    const valueLength = parts === null ? records.valueLength(address) : objectBytes;
    const into = this.#room(13 + keyLength + valueLength);
    const kind = records.type(address) | (parts === null ? 0 : inParts);
    let at = putExpiry(into, kind, records.expiry(address));
    at = into.writeUInt32LE(keyLength, at);
    at += records.copyKey(address, into, at);
    if (parts === null) at += records.copyValue(address, into, at);
    else {
      at = into.writeUIntLE(parts.id, at, 6);
      at = into.writeUIntLE(parts.blob.length, at, 6);
    }
    this.#seal(into, at, checksumSeed("record", partition, position));
  }

  encodePart({ id, blob }: ObjectParts, part: number): void {
    this.encodeKey("part", id, part);
    const from = part * blockBytes;
    const into = this.#room(blockBytes);
    let end = Math.min(blockBytes, blob.length - from);
    blob.copy(into, 0, from, from + end);
    while (end > 0 && into[end - 1] === 0) end--;
    this.#seal(into, end, checksumSeed("part", id, part));
  }

  encodePartition(id: number, row: PartitionRow): void {
    this.encodeKey("partition", id);
    const into = this.#room(rowBytes);
    let at = into.writeUIntLE(row.database, 0, 6);
    at = into.writeUInt16LE(row.number, at);
    at = into.writeUInt32LE(row.keys, at);
    at = into.writeUInt32LE(row.expires, at);
    at = into.writeDoubleLE(row.used, at);
    at = into.writeInt32LE(row.digest, at);
    this.#seal(into, at, checksumSeed("partition", id, 0));
  }

  encodeOrigin({ node, incarnation, highest }: Origin): void {
    this.encodeKey("origin", node);
    const into = this.#room(originBytes);
    const at = into.writeDoubleLE(highest, into.writeDoubleLE(incarnation, 0));
    this.#seal(into, at, checksumSeed("origin", node, 0));
  }

  #room(bytes: number): Buffer {
    const needed = bytes + checksumBytes;
    return needed <= scratchBytes ? this.#scratch : Buffer.allocUnsafeSlow(needed);
  }

  #seal(into: Buffer, length: number, seed: number): void {
    this.checksum = crc32(this.#view(into, length), seed) | 0;
    into.writeInt32LE(this.checksum, length);
    this.value = this.#view(into, length + checksumBytes);
  }

  #view(of: Buffer, length: number): Buffer {
    if (of !== this.#scratch || length >= keptViews) return of.subarray(0, length);
    this.#views[length] ??= of.subarray(0, length);
    return this.#views[length];
  }
}

/** Kind and expiry; returns the place behind them. */
function putExpiry(into: Buffer, kind: number, expireAt: Expiry | undefined): number {
  if (expireAt === undefined) {
    into[0] = kind;
    return 1;
  }
  if (typeof expireAt === "number") {
    into[0] = kind | expiryNumber;
    return into.writeDoubleLE(expireAt, 1);
  }
  into[0] = kind | expiryBigint;
  return into.writeBigInt64LE(expireAt, 1);
}

/**
 * Decodes one record after the other; the fields hold until the next call. The bytes may have changed on the disk, or come
 * from a peer: `open` proves them, and what follows in them is then what we wrote.
 */
export class RecordDecoder {
  readonly place = new RecordKeyReader();
  checksum = 0;

  key: Bytes = "";
  type = plainString;
  expireAt: Expiry | undefined;
  value: Bytes = "";
  /** Of a value in parts; 0 when it lies in the record. */
  object = 0;
  length = 0;

  #bytes: Buffer = Buffer.alloc(0);
  #end = 0;

  /** Null, or what is wrong. */
  open(key: Buffer, bytes: Buffer): string | null {
    const { place } = this;
    if (!place.read(key)) return `unknown record key ${key.toString("hex", 0, 32)}`;
    this.#end = bytes.length - checksumBytes;
    if (this.#end < 0) return `${place.text} is too short`;
    if (crc32(bytes, place.seed) !== residue) return `${place.text} has a wrong checksum`;
    this.checksum = bytes.readInt32LE(this.#end);
    this.#bytes = bytes;
    return this.#shape();
  }

  /** After `open` of a record: key, type, expiry, value. */
  readRecord(): void {
    const bytes = this.#bytes;
    const kind = bytes[0] as number;
    this.type = kind & typeMask;
    let at = 1;
    this.expireAt = undefined;
    if ((kind & (expiryNumber | expiryBigint)) !== 0) {
      this.expireAt = kind & expiryNumber ? bytes.readDoubleLE(at) : bytes.readBigInt64LE(at);
      at += 8;
    }
    const keyEnd = at + 4 + bytes.readUInt32LE(at);
    this.key = cutBytes(bytes, at + 4, keyEnd);
    const isInParts = (kind & inParts) !== 0;
    this.value = isInParts ? "" : cutBytes(bytes, keyEnd, this.#end);
    this.object = isInParts ? bytes.readUIntLE(keyEnd, 6) : 0;
    this.length = isInParts ? bytes.readUIntLE(keyEnd + 6, 6) : this.value.length;
  }

  /** After `open` of a part. */
  readPart(): Bytes {
    return cutBytes(this.#bytes, 0, this.#end);
  }

  readPartition(): PartitionRow {
    const bytes = this.#bytes;
    return {
      database: bytes.readUIntLE(0, 6),
      number: bytes.readUInt16LE(6),
      keys: bytes.readUInt32LE(8),
      expires: bytes.readUInt32LE(12),
      used: bytes.readDoubleLE(16),
      digest: bytes.readInt32LE(24),
    };
  }

  readOrigin(): Origin {
    const bytes = this.#bytes;
    return {
      node: this.place.id,
      incarnation: bytes.readDoubleLE(0),
      highest: bytes.readDoubleLE(8),
    };
  }

  /** The lengths agree with each other. */
  #shape(): string | null {
    const { text, kind } = this.place;
    const end = this.#end;
    if (kind === "record") return this.#shapeOfRecord();
    const isSound =
      kind === "part" ? end <= blockBytes : end === (kind === "origin" ? originBytes : rowBytes);
    return isSound ? null : `${text} has a wrong length`;
  }

  #shapeOfRecord(): string | null {
    const bytes = this.#bytes;
    const end = this.#end;
    const { text } = this.place;
    const kind = bytes[0] as number;
    if (end < 5) return `${text} is too short`;
    if ((kind & ~kindMask) !== 0 || (kind & typeMask) >= typeCount) {
      return `${text} has an unknown type`;
    }
    const at = (kind & (expiryNumber | expiryBigint)) === 0 ? 1 : 9;
    if (end < at + 4) return `${text} is too short`;
    const keyEnd = at + 4 + bytes.readUInt32LE(at);
    if (keyEnd > end) return `${text} has a key beyond its end`;
    const isSound =
      (kind & inParts) === 0
        ? end - keyEnd <= recordValueBytesMax
        : end === keyEnd + objectBytes && this.#hasLongValue(keyEnd);
    return isSound ? null : `${text} has a wrong length`;
  }

  /** Values of one length lie in the same way on every node, and object 0 is nobody's. */
  #hasLongValue(at: number): boolean {
    const bytes = this.#bytes;
    return bytes.readUIntLE(at, 6) > 0 && bytes.readUIntLE(at + 6, 6) > recordValueBytesMax;
  }
}
