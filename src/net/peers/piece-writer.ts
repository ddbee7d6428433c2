// Gathers the pieces of one turn for one socket and writes them at once.

import type { Socket } from "node:net";
import { crc32 } from "node:zlib";
import { assert } from "../../assert.ts";
import { gatherBytesMax, peerSlabBytes } from "../../constants.ts";
import { crcOf, headBytes, type PieceHead, wholeFlags, writeCrc, writeHead } from "./piece.ts";

/** Pieces are copied side by side into a slab, and everything of one turn leaves in one write. */
export class PieceWriter {
  readonly #socket: Socket;
  #slab: Buffer = Buffer.alloc(0);
  /** The slab's part that is gathered and not yet written: [from, to). */
  #from = 0;
  #to = 0;
  #chunks: Uint8Array[] = [];
  #gatheredBytes = 0;
  #scheduled = false;
  /** One closure for all turns. */
  readonly #flushLater = (): void => this.flush();

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Bytes given and not yet taken by the operating system. */
  get queuedBytes(): number {
    return this.#gatheredBytes + this.#socket.writableLength;
  }

  /** A whole frame in one piece, copied. `bytes` are those of all parts, `summed` those that the head's CRC proves. */
  addWhole(kind: number, parts: readonly Uint8Array[], bytes: number, summed: number): void {
    const size = headBytes + bytes;
    this.#reserve(size);
    const start = this.#to;
    writeHead(this.#slab, start, { kind, flags: wholeFlags, bytes, summed });
    this.#to += headBytes;
    for (const part of parts) this.#copy(part);
    assert(this.#to === start + size, "the parts have as many bytes as was said");
    writeCrc(this.#slab, start, crcOf(this.#slab, start, summed));
    this.#added(size);
  }

  /** One piece of a larger frame: its head is copied, and so are small slices; large ones are not. */
  addPiece(head: PieceHead, slices: readonly Uint8Array[]): void {
    this.#reserve(headBytes + head.bytes);
    const start = this.#to;
    const slab = this.#slab;
    writeHead(slab, start, head);
    this.#to += headBytes;
    let crc = crcOf(slab, start, 0);
    let unsummed = head.summed;
    for (const slice of slices) {
      const summed = Math.min(unsummed, slice.byteLength);
      if (summed > 0) crc = crc32(slice.subarray(0, summed), crc);
      unsummed -= summed;
      if (slice.byteLength <= gatherBytesMax) this.#copy(slice);
      else {
        this.#endRun();
        this.#chunks.push(slice);
      }
    }
    writeCrc(slab, start, crc);
    this.#added(headBytes + head.bytes);
  }

  flush(): void {
    this.#scheduled = false;
    this.#endRun();
    const chunks = this.#chunks;
    if (chunks.length === 0) return;
    this.#chunks = [];
    this.#gatheredBytes = 0;
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    if (chunks.length > 1) this.#socket.cork();
    for (const chunk of chunks) this.#socket.write(chunk);
    if (chunks.length > 1) this.#socket.uncork();
  }

  #copy(bytes: Uint8Array): void {
    this.#slab.set(bytes, this.#to);
    this.#to += bytes.byteLength;
  }

  #added(bytes: number): void {
    this.#gatheredBytes += bytes;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(this.#flushLater);
  }

  /** Room in the slab. It is used again from its beginning when the operating system has taken all of it. */
  #reserve(bytes: number): void {
    if (this.#gatheredBytes === 0 && this.#socket.writableLength === 0) {
      this.#from = 0;
      this.#to = 0;
    }
    if (this.#slab.length - this.#to >= bytes) return;
    this.#endRun();
    this.#slab = Buffer.allocUnsafeSlow(peerSlabBytes);
    this.#from = 0;
    this.#to = 0;
  }

  /** Ends the run of copied bytes; the rest of the slab serves the next run. */
  #endRun(): void {
    if (this.#to === this.#from) return;
    this.#chunks.push(this.#slab.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }
}
