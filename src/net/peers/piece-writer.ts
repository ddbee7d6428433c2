// Gathers the pieces of one turn for one socket and writes them at once.

import type { Socket } from "node:net";
import { assert } from "../../assert.ts";
import { peerSlabBytes } from "../../constants.ts";
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

  /** A whole frame in one piece. `bytes` are those of all parts, `summed` those that the head's CRC covers. */
  addWhole(kind: number, parts: readonly Uint8Array[], bytes: number, summed: number): void {
    this.addPiece({ kind, flags: wholeFlags, bytes, summed }, parts);
  }

  addPiece(head: PieceHead, slices: readonly Uint8Array[]): void {
    const size = headBytes + head.bytes;
    this.#reserve(size);
    const start = this.#to;
    writeHead(this.#slab, start, head);
    this.#to += headBytes;
    for (const slice of slices) this.#copy(slice);
    assert(this.#to === start + size, "the parts have as many bytes as was said");
    writeCrc(this.#slab, start, crcOf(this.#slab, start, head.summed));
    this.#added(size);
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
