// The bytes of a redo file: what one checkpoint changes in LevelDB, as operations in chunks.
//
// File       head, then chunks; the last operation of the last chunk is the end
// Head       "kvorum redo\n", format u32
// Chunk      length of its operations u32, their CRC-32 u32, CRC-32 of these two u32, operations
// Operation  kind u8, key length u16, value length u32, key, value
//
// All numbers are little endian. The checksum of a chunk's head begins with that of the chunk before, so a chunk that
// is missing, or stands in another's place, does not fit; and a length proves itself before anything is read by it.

import { crc32 } from "node:zlib";
import { assert } from "../../assert.ts";

/** What an operation does. The value of a range is its end, which does not belong to it; that of the end the meta record. */
export const redoKind = { put: 1, del: 2, clearRange: 3, end: 4 } as const;
export type RedoKind = (typeof redoKind)[keyof typeof redoKind];

const magic = Buffer.from("kvorum redo\n", "latin1");
/** Raised when an older program could not read the file; what the records mean is told by the format of the meta record. */
export const redoFormat = 1;
export const redoHeadBytes: number = magic.length + 4;
export const chunkHeadBytes = 12;
const operationHeadBytes = 7;
const kindMax = redoKind.end;

export function encodeRedoHead(): Buffer {
  const head = Buffer.alloc(redoHeadBytes);
  head.writeUInt32LE(redoFormat, magic.copy(head));
  return head;
}

/** The format, or null when the bytes are no head of a redo file. */
export function redoFormatOf(head: Buffer): number | null {
  const isOurs = head.length === redoHeadBytes && head.subarray(0, magic.length).equals(magic);
  return isOurs ? head.readUInt32LE(magic.length) : null;
}

/** What the checksum of the first chunk's head begins with. */
export function firstLink(head: Buffer): number {
  return crc32(head);
}

/** Memory that one chunk after the other is put together in. */
export class RedoChunk {
  readonly #bytes: Buffer;
  #end = chunkHeadBytes;

  constructor(operationsBytesMax: number) {
    this.#bytes = Buffer.allocUnsafeSlow(chunkHeadBytes + operationsBytesMax);
  }

  /** Of an operation in a chunk. */
  static bytesOf(key: Uint8Array, value: Uint8Array): number {
    return operationHeadBytes + key.length + value.length;
  }

  get capacity(): number {
    return this.#bytes.length - chunkHeadBytes;
  }

  /** Of the whole chunk so far. */
  get length(): number {
    return this.#end;
  }

  get isEmpty(): boolean {
    return this.#end === chunkHeadBytes;
  }

  hasRoomFor(bytes: number): boolean {
    return bytes <= this.#bytes.length - this.#end;
  }

  /** Copies an operation for which there is room. */
  add(kind: RedoKind, key: Uint8Array, value: Uint8Array): void {
    assert(this.hasRoomFor(RedoChunk.bytesOf(key, value)), "the caller looks for room first");
    const bytes = this.#bytes;
    let at = bytes.writeUInt8(kind, this.#end);
    at = bytes.writeUInt16LE(key.length, at);
    at = bytes.writeUInt32LE(value.length, at);
    bytes.set(key, at);
    bytes.set(value, at + key.length);
    this.#end = at + key.length + value.length;
  }

  /** The whole chunk, good until `clear`, and the link for the next one. */
  seal(link: number): { readonly bytes: Buffer; readonly link: number } {
    const bytes = this.#bytes.subarray(0, this.#end);
    bytes.writeUInt32LE(this.#end - chunkHeadBytes, 0);
    bytes.writeUInt32LE(crc32(bytes.subarray(chunkHeadBytes)), 4);
    const next = crc32(bytes.subarray(0, 8), link);
    bytes.writeUInt32LE(next, 8);
    return { bytes, link: next };
  }

  clear(): void {
    this.#end = chunkHeadBytes;
  }
}

/** The head of a chunk that follows the link; null when its bytes are not those that were written. */
export function readChunkHead(
  head: Buffer,
  link: number,
): { readonly length: number; readonly checksum: number; readonly link: number } | null {
  const next = crc32(head.subarray(0, 8), link);
  if (head.length !== chunkHeadBytes || head.readUInt32LE(8) !== next) return null;
  return { length: head.readUInt32LE(0), checksum: head.readUInt32LE(4), link: next };
}

/** Reads the operations of a chunk whose checksum is right, one after the other. */
export class RedoOperations {
  kind: RedoKind = redoKind.end;
  /** Parts of the chunk, not copies. */
  key: Buffer;
  value: Buffer;
  /** What is wrong, once `next` has returned false; null at an orderly end. */
  problem: string | null = null;

  readonly #operations: Buffer;
  #at = 0;

  constructor(operations: Buffer) {
    this.#operations = operations;
    this.key = operations;
    this.value = operations;
  }

  next(): boolean {
    const bytes = this.#operations;
    if (this.#at === bytes.length) return false;
    const keyAt = this.#at + operationHeadBytes;
    if (keyAt > bytes.length) return this.#isNone();
    const kind = bytes.readUInt8(this.#at);
    const valueAt = keyAt + bytes.readUInt16LE(this.#at + 1);
    const end = valueAt + bytes.readUInt32LE(this.#at + 3);
    if (kind < redoKind.put || kind > kindMax || end > bytes.length) return this.#isNone();
    this.kind = kind as RedoKind;
    this.key = bytes.subarray(keyAt, valueAt);
    this.value = bytes.subarray(valueAt, end);
    this.#at = end;
    return true;
  }

  #isNone(): false {
    this.problem = "a chunk of the redo file holds what is no operation";
    return false;
  }
}
