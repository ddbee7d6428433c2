// Bytes: numbers and their layout, a writer of them, and many parts made fewer for one write.

import { assert } from "./assert.ts";
import { gatherBytesMax } from "./constants.ts";

const two32 = 2 ** 32;
const two21 = 2 ** 21;

/** Little endian; at `at` of a buffer that has 8 bytes there. */
export function writeU53(into: Buffer, value: number, at: number): void {
  assert(
    Number.isSafeInteger(value) && value >= 0,
    "a number on the wire is an unsigned safe integer",
  );
  into.writeUInt32LE(value >>> 0, at);
  into.writeUInt32LE(Math.floor(value / two32), at + 4);
}

/** -1 for a number of 2^53 or more: it would not be exact. */
export function readU53(from: Buffer, at: number): number {
  const high = from.readUInt32LE(at + 4);
  return high >= two21 ? -1 : high * two32 + from.readUInt32LE(at);
}

/** The same memory as a Buffer, for its readers and writers of numbers. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes numbers and bytes one behind the other, into as many bytes as were announced. */
export class ByteWriter {
  readonly #bytes: Buffer;
  #at = 0;

  /** `length`: the exact number of bytes that will be written; `into`: where to, if not to new memory. */
  constructor(length: number, into: Buffer = Buffer.allocUnsafe(length)) {
    this.#bytes = into;
  }

  u8(value: number): void {
    this.#at = this.#bytes.writeUInt8(value, this.#at);
  }

  u32(value: number): void {
    this.#at = this.#bytes.writeUInt32LE(value, this.#at);
  }

  u53(value: number): void {
    writeU53(this.#bytes, value, this.#at);
    this.#at += 8;
  }

  copy(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.byteLength;
  }

  finish(): Buffer {
    assert(this.#at === this.#bytes.length, "the length was computed exactly");
    return this.#bytes;
  }
}

/** Parts that are joined one after the other. */
class Joined {
  readonly parts: Uint8Array[] = [];
  #small: Uint8Array[] = [];

  add(part: Uint8Array): void {
    if (part.byteLength <= gatherBytesMax) {
      this.#small.push(part);
      return;
    }
    this.close();
    this.parts.push(part);
  }

  /** The small parts that wait become one. */
  close(): void {
    const [first] = this.#small;
    if (first === undefined) return;
    this.parts.push(this.#small.length === 1 ? first : Buffer.concat(this.#small));
    this.#small = [];
  }
}

/**
 * The same bytes in fewer parts, for one write: neighbours in memory become one part without a copy, then
 * small ones next to each other are copied together. Large ones must not change until they are written.
 */
export function joinParts(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const joined = new Joined();
  for (let at = 0; at < parts.length; ) {
    const first = parts[at] as Uint8Array;
    const { buffer, byteOffset } = first;
    let end = byteOffset + first.byteLength;
    let next = at + 1;
    for (; next < parts.length; next += 1) {
      const part = parts[next] as Uint8Array;
      if (part.buffer !== buffer || part.byteOffset !== end) break;
      end += part.byteLength;
    }
    joined.add(next === at + 1 ? first : Buffer.from(buffer, byteOffset, end - byteOffset));
    at = next;
  }
  joined.close();
  return joined.parts;
}
