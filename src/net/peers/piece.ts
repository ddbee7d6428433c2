// The frames between peers: a length, a checksum, a kind, a body; and how they are cut out of a byte stream.

import { crc32 } from "node:zlib";
import { assert } from "../../assert.ts";

/** u32 length of kind and body, u32 CRC-32 of kind and body, u8 kind. Big-endian. */
export const frameHeaderBytes = 9;
const lengthBytes = 4;
const kindOffset = 8;

/** Kinds from here on are bulk: whatever is urgent may overtake them. */
export const bulkKindMin = 0x80;

/** Kinds from here on belong to this layer (handshake, ping); the layers above use lower ones. */
export const ownKindMin = 0xf0;

/** The header of a frame whose body is made of `parts`. */
export function encodeFrameHeader(kind: number, parts: readonly Uint8Array[]): Buffer {
  const header = Buffer.allocUnsafe(frameHeaderBytes);
  let length = 1;
  header[kindOffset] = kind;
  let crc = crc32(header.subarray(kindOffset));
  for (const part of parts) {
    length += part.byteLength;
    crc = crc32(part, crc);
  }
  assert(length <= 0xffff_ffff, "a frame's length fits into its field");
  header.writeUInt32BE(length, 0);
  header.writeUInt32BE(crc, lengthBytes);
  return header;
}

/** A whole small frame, as the handshake uses it. */
export function encodeFrame(kind: number, body: Uint8Array): Buffer {
  return Buffer.concat([encodeFrameHeader(kind, [body]), body]);
}

/** Why a stream cannot be read any further. */
export type FrameFault = "a frame without a kind" | "a frame above the limit" | "a wrong checksum";

/** Returns false when nothing more is wanted: the connection was closed meanwhile. */
export type FrameListener = (kind: number, body: Buffer) => boolean;

/**
 * Cuts frames out of chunks, wherever they are split. Memory follows the bytes that have arrived,
 * never a claimed length: an unfinished frame holds at most twice what came of it.
 */
export class FrameDecoder {
  /** Largest `length` accepted; rises when the handshake is done. */
  lengthMax: number;
  readonly #listener: FrameListener;
  /** The beginning of an unfinished frame; null between frames. */
  #held: Buffer | null = null;
  #heldBytes = 0;
  #stopped = false;

  constructor(lengthMax: number, listener: FrameListener) {
    this.lengthMax = lengthMax;
    this.#listener = listener;
  }

  /** Bytes of an unfinished frame. */
  get pendingBytes(): number {
    return this.#heldBytes;
  }

  /** A fault is final: the stream has lost its boundaries and must be closed. */
  push(chunk: Buffer): FrameFault | null {
    let at = 0;
    if (this.#heldBytes > 0) {
      at = this.#fill(chunk);
      const fault = this.#finishHeld();
      if (fault !== null || this.#heldBytes > 0) return fault;
    }
    while (!this.#stopped && at < chunk.length) {
      const size = this.#frameSize(chunk, at);
      if (typeof size === "string") return this.#stop(size);
      if (size === null || at + size > chunk.length) {
        this.#hold(chunk, at);
        return null;
      }
      const fault = this.#deliver(chunk.subarray(at, at + size));
      if (fault !== null) return fault;
      at += size;
    }
    return null;
  }

  /** Bytes of the frame that starts at `at`, null when its length has not arrived completely. */
  #frameSize(bytes: Buffer, at: number): number | null | FrameFault {
    if (bytes.length - at < lengthBytes) return null;
    const length = bytes.readUInt32BE(at);
    if (length === 0) return "a frame without a kind";
    if (length > this.lengthMax) return "a frame above the limit";
    return frameHeaderBytes - 1 + length;
  }

  #deliver(frame: Buffer): FrameFault | null {
    if (crc32(frame.subarray(kindOffset)) !== frame.readUInt32BE(lengthBytes)) {
      return this.#stop("a wrong checksum");
    }
    const kind = frame.readUInt8(kindOffset);
    if (!this.#listener(kind, frame.subarray(frameHeaderBytes))) this.#stopped = true;
    return null;
  }

  #stop(fault: FrameFault): FrameFault {
    this.#stopped = true;
    this.#held = null;
    this.#heldBytes = 0;
    return fault;
  }

  /** Keeps the rest of a chunk. A copy: the chunk may be large and shared with delivered bodies. */
  #hold(chunk: Buffer, at: number): void {
    this.#held = Buffer.from(chunk.subarray(at));
    this.#heldBytes = this.#held.length;
  }

  /** Moves what the unfinished frame still lacks out of the chunk; returns how much was taken. */
  #fill(chunk: Buffer): number {
    let taken = 0;
    // Two steps: up to the length field, then (the size being known) up to the end of the frame.
    for (const known of [false, true]) {
      const held = this.#held;
      assert(held !== null, "an unfinished frame has bytes");
      const size = known ? this.#frameSize(held.subarray(0, this.#heldBytes), 0) : lengthBytes;
      if (typeof size !== "number") break;
      const count = Math.min(size - this.#heldBytes, chunk.length - taken);
      if (count <= 0) continue;
      this.#append(chunk.subarray(taken, taken + count), size);
      taken += count;
    }
    return taken;
  }

  #append(bytes: Buffer, size: number): void {
    const held = this.#held;
    assert(held !== null, "an unfinished frame has bytes");
    const needed = this.#heldBytes + bytes.length;
    let target = held;
    if (needed > held.length) {
      target = Buffer.allocUnsafe(Math.max(needed, Math.min(size, 2 * held.length)));
      held.copy(target, 0, 0, this.#heldBytes);
      this.#held = target;
    }
    bytes.copy(target, this.#heldBytes);
    this.#heldBytes = needed;
  }

  #finishHeld(): FrameFault | null {
    const held = this.#held;
    assert(held !== null, "an unfinished frame has bytes");
    const size = this.#frameSize(held.subarray(0, this.#heldBytes), 0);
    if (typeof size === "string") return this.#stop(size);
    if (size === null || this.#heldBytes < size) return null;
    this.#held = null;
    this.#heldBytes = 0;
    return this.#deliver(held.subarray(0, size));
  }
}
