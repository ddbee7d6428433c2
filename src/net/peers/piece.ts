// The pieces that travel between peers, their head, and how they are found in a stream of bytes.
//
// A frame is what a user of this layer sends; a piece is what travels. An urgent frame is one piece, a bulk frame is as
// many as it needs: all but the last carry exactly `pieceBytesMax` bytes, and no other bulk frame's pieces come between.

import { crc32 } from "node:zlib";
import { assert } from "../../assert.ts";

/**
 * All numbers are little endian:
 *
 *     0  u32  CRC-32 of the head from byte 4 on and of the first `summed` bytes of the body
 *     4  u32  bytes of the body
 *     8  u32  summed: bytes of the body that the CRC covers; the rest carries checksums of its own
 *    12  u32  group: 0, the only one so far
 *    16  u8   kind of the frame
 *    17  u8   flags: the first piece of its frame, the last one
 */
export const headBytes = 18;
const lengthOffset = 4;
const summedOffset = 8;
const groupOffset = 12;
const kindOffset = 16;
const flagsOffset = 17;

export const firstFlag = 1;
export const lastFlag = 2;
/** A frame in one piece. */
export const wholeFlags = firstFlag | lastFlag;

/** Kinds from here on are bulk: whatever is urgent may overtake them. */
export const bulkKindMin = 0x80;

/** Kinds from here on belong to this layer (handshake, ping); the layers above use lower ones. */
export const ownKindMin = 0xf0;

export function isBulk(kind: number): boolean {
  return kind >= bulkKindMin && kind < ownKindMin;
}

/** What a head says. */
export interface PieceHead {
  readonly kind: number;
  readonly flags: number;
  readonly bytes: number;
  readonly summed: number;
}

/** Writes all fields but the CRC, which `writeCrc` writes last. */
export function writeHead(into: Buffer, at: number, head: PieceHead): void {
  into.writeUInt32LE(head.bytes, at + lengthOffset);
  into.writeUInt32LE(head.summed, at + summedOffset);
  into.writeUInt32LE(0, at + groupOffset);
  into[at + kindOffset] = head.kind;
  into[at + flagsOffset] = head.flags;
}

/** Computes the CRC of the head at `at` and of `summedHere` bytes behind it. */
export function crcOf(bytes: Buffer, at: number, summedHere: number): number {
  return crc32(bytes.subarray(at + lengthOffset, at + headBytes + summedHere));
}

export function writeCrc(into: Buffer, at: number, crc: number): void {
  into.writeUInt32LE(crc, at);
}

/** A small frame as one piece, as the handshake uses it. */
export function encodeWhole(kind: number, body: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headBytes + body.byteLength);
  bytes.set(body, headBytes);
  const length = body.byteLength;
  writeHead(bytes, 0, { kind, flags: wholeFlags, bytes: length, summed: length });
  writeCrc(bytes, 0, crcOf(bytes, 0, length));
  return bytes;
}

/** Why a stream cannot be read any further. */
export type PieceFault =
  | "a piece above the limit"
  | "a sum over more than there is"
  | "a group that is not known"
  | "a wrong checksum";

/** Returns false when nothing more is wanted: the connection was closed meanwhile. */
export type PieceListener = (kind: number, flags: number, body: Buffer) => boolean;

/**
 * Finds pieces in chunks, wherever they are split. A piece that lies in one chunk is passed on as a view of it. The
 * beginning of an unfinished one is copied into a buffer of its size, so this holds one piece at most.
 */
export class PieceDecoder {
  /** Most bytes of a body; rises when the handshake is done. */
  bodyBytesMax: number;
  readonly #listener: PieceListener;
  /** An unfinished piece, or its unfinished head; null between pieces. */
  #held: Buffer | null = null;
  #heldBytes = 0;
  #stopped = false;

  constructor(bodyBytesMax: number, listener: PieceListener) {
    this.bodyBytesMax = bodyBytesMax;
    this.#listener = listener;
  }

  /** Bytes of an unfinished piece. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** A fault is final: the stream has lost its boundaries and must be closed. */
  push(chunk: Buffer): PieceFault | null {
    let at = 0;
    while (!this.#stopped && at < chunk.length) {
      if (this.#held !== null) {
        at += this.#fill(this.#held, chunk, at);
        const fault = this.#finishHeld(this.#held);
        if (fault !== null) return this.#stop(fault);
        continue;
      }
      const rest = chunk.length - at;
      if (rest < headBytes) {
        this.#hold(chunk, at, headBytes);
        return null;
      }
      const fault = this.#faultOfHead(chunk, at);
      if (fault !== null) return this.#stop(fault);
      const size = headBytes + chunk.readUInt32LE(at + lengthOffset);
      if (rest < size) {
        this.#hold(chunk, at, size);
        return null;
      }
      if (!this.#deliver(chunk, at, size)) return this.#stop("a wrong checksum");
      at += size;
    }
    return null;
  }

  /** Checks a head before its checksum can be checked: no unchecked claim may decide how many bytes are waited for. */
  #faultOfHead(bytes: Buffer, at: number): PieceFault | null {
    const length = bytes.readUInt32LE(at + lengthOffset);
    if (length > this.bodyBytesMax) return "a piece above the limit";
    if (bytes.readUInt32LE(at + summedOffset) > length) return "a sum over more than there is";
    if (bytes.readUInt32LE(at + groupOffset) !== 0) return "a group that is not known";
    return null;
  }

  /** False when the checksum is wrong. */
  #deliver(bytes: Buffer, at: number, size: number): boolean {
    const summed = bytes.readUInt32LE(at + summedOffset);
    if (crcOf(bytes, at, summed) !== bytes.readUInt32LE(at)) return false;
    const kind = bytes.readUInt8(at + kindOffset);
    const flags = bytes.readUInt8(at + flagsOffset);
    const body = bytes.subarray(at + headBytes, at + size);
    if (!this.#listener(kind, flags, body)) this.#stopped = true;
    return true;
  }

  #stop(fault: PieceFault): PieceFault {
    this.#stopped = true;
    this.#held = null;
    this.#heldBytes = 0;
    return fault;
  }

  #hold(chunk: Buffer, at: number, size: number): void {
    this.#held = Buffer.allocUnsafe(size);
    this.#heldBytes = chunk.copy(this.#held, 0, at);
  }

  /** Moves what the unfinished piece still lacks out of the chunk; returns how much that was. */
  #fill(held: Buffer, chunk: Buffer, at: number): number {
    const count = Math.min(held.length - this.#heldBytes, chunk.length - at);
    chunk.copy(held, this.#heldBytes, at, at + count);
    this.#heldBytes += count;
    return count;
  }

  /** A head that is whole now says how long its piece is; a piece that is whole now is passed on. */
  #finishHeld(held: Buffer): PieceFault | null {
    if (this.#heldBytes < held.length) return null;
    if (held.length === headBytes) {
      const fault = this.#faultOfHead(held, 0);
      if (fault !== null) return fault;
      const size = headBytes + held.readUInt32LE(lengthOffset);
      if (size > headBytes) {
        this.#hold(held, 0, size);
        return null;
      }
    }
    this.#held = null;
    this.#heldBytes = 0;
    assert(held.length >= headBytes, "a whole piece has a head");
    return this.#deliver(held, 0, held.length) ? null : "a wrong checksum";
  }
}
