// Builds a list of buffers for one gathering write: small parts are copied together, large ones stay where they are.

import { assert } from "./assert.ts";
import { gatherBytesMax } from "./constants.ts";

const two32 = 2 ** 32;
const two21 = 2 ** 21;

/** Room that `Gather.data` needs in the inline buffer for data of this length. */
export const inlineBytes = (length: number): number => (length <= gatherBytesMax ? length : 0);

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

export class Gather {
  /** Everything that is written by copy; its unfinished parts may still be changed. */
  readonly inline: Buffer;
  readonly #parts: Uint8Array[] = [];
  #at = 0;
  #partStart = 0;
  #bytes = 0;

  /** `inlineLength`: the exact number of bytes that will be copied; `inline`: where to, if not to new memory. */
  constructor(inlineLength: number, inline: Buffer = Buffer.allocUnsafe(inlineLength)) {
    this.inline = inline;
  }

  /** Where the next copied byte goes in `inline`. */
  get at(): number {
    return this.#at;
  }

  u8(value: number): void {
    this.#at = this.inline.writeUInt8(value, this.#at);
  }

  u32(value: number): void {
    this.#at = this.inline.writeUInt32LE(value, this.#at);
  }

  u53(value: number): void {
    writeU53(this.inline, value, this.#at);
    this.#at += 8;
  }

  copy(bytes: Uint8Array): void {
    this.inline.set(bytes, this.#at);
    this.#at += bytes.byteLength;
  }

  /** Copies small data; large data is referenced and must not change until it is written. */
  data(bytes: Uint8Array): void {
    if (bytes.byteLength <= gatherBytesMax) {
      this.copy(bytes);
      return;
    }
    this.#closePart();
    this.#parts.push(bytes);
    this.#bytes += bytes.byteLength;
  }

  /** The parts in order. */
  finish(): readonly Uint8Array[] {
    this.#closePart();
    assert(this.#at === this.inline.length, "the inline length was computed exactly");
    return this.#parts;
  }

  /** Bytes of all finished parts. */
  get bytes(): number {
    return this.#bytes;
  }

  #closePart(): void {
    if (this.#at === this.#partStart) return;
    this.#parts.push(this.inline.subarray(this.#partStart, this.#at));
    this.#bytes += this.#at - this.#partStart;
    this.#partStart = this.#at;
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
