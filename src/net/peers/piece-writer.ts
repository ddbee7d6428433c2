// Gathers the frames of one turn for one socket and writes them at once.

import type { Socket } from "node:net";
import { crc32 } from "node:zlib";
import { peerGatherBytes } from "../../constants.ts";
import { encodeFrameHeader, frameHeaderBytes } from "./frame.ts";

const slabBytes = 4 * peerGatherBytes;
const kindOffset = frameHeaderBytes - 1;

/**
 * Small frames are copied side by side into a slab, large bodies go to the socket as they are: they
 * must not be changed after they were given. Everything of one turn leaves in one write.
 */
export class FrameWriter {
  readonly #socket: Socket;
  #slab: Buffer = Buffer.alloc(0);
  /** The slab's part that is gathered and not yet written: [from, to). */
  #from = 0;
  #to = 0;
  #chunks: Uint8Array[] = [];
  #gatheredBytes = 0;
  #scheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes given and not yet taken by the operating system. */
  get queuedBytes(): number {
    return this.#gatheredBytes + this.#socket.writableLength;
  }

  add(kind: number, parts: readonly Uint8Array[], bodyBytes: number): void {
    const bytes = frameHeaderBytes + bodyBytes;
    if (bytes <= peerGatherBytes) this.#gather(kind, parts, bytes);
    else this.#addLarge(kind, parts);
    this.#gatheredBytes += bytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(() => this.flush());
  }

  flush(): void {
    this.#scheduled = false;
    this.#cut();
    const chunks = this.#chunks;
    if (chunks.length === 0) return;
    this.#chunks = [];
    this.#gatheredBytes = 0;
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (chunks.length > 1) this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk);
    if (chunks.length > 1) this.#socket.uncork();
  }

  /** One copy, and one checksum over bytes that then lie together. */
  #gather(kind: number, parts: readonly Uint8Array[], bytes: number): void {
    if (this.#slab.length - this.#to < bytes) {
      this.#cut();
      this.#slab = Buffer.allocUnsafeSlow(slabBytes);
      this.#from = 0;
      this.#to = 0;
    }
    const slab = this.#slab;
    const start = this.#to;
    let at = start + frameHeaderBytes;
    slab[start + kindOffset] = kind;
    for (const part of parts) {
      slab.set(part, at);
      at += part.byteLength;
    }
    slab.writeUInt32BE(bytes - kindOffset, start);
    slab.writeUInt32BE(crc32(slab.subarray(start + kindOffset, at)), start + 4);
    this.#to = at;
  }

  #addLarge(kind: number, parts: readonly Uint8Array[]): void {
    this.#cut();
    this.#chunks.push(encodeFrameHeader(kind, parts), ...parts);
  }

  /** Ends the run of small frames; the rest of the slab serves the next run. */
  #cut(): void {
    if (this.#to === this.#from) return;
    this.#chunks.push(this.#slab.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
