// The bulk frames that wait for one peer. They leave in pieces, and no more than a window of them is under way.

import { assert } from "../../assert.ts";
import { firstFlag, headBytes, lastFlag } from "./piece.ts";
import type { PieceWriter } from "./piece-writer.ts";

export interface BulkLimits {
  readonly pieceBytesMax: number;
  readonly windowBytes: number;
  readonly queueBytesMax: number;
}

/** About what a waiting frame costs in memory besides its body, so that an empty frame counts too. */
const recordBytes = 256;

/** A frame that has not left as a whole yet; each one links to the next. */
interface WaitingFrame {
  readonly kind: number;
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** How many bytes have left, and where in `parts` the next one is. */
  left: number;
  part: number;
  offset: number;
  /** How many of the bytes that have not left the CRCs of the pieces still have to cover. */
  unsummed: number;
  next: WaitingFrame | null;
}

/**
 * Bulk frames wait here and not in the kernel, whose buffers hold megabytes: an urgent frame would have to wait
 * behind all of them. At most `windowBytes` are under way that the receiver has not acknowledged, so an urgent frame
 * waits for no more than that.
 */
export class BulkQueue {
  readonly #writer: PieceWriter;
  readonly #limits: BulkLimits;
  #first: WaitingFrame | null = null;
  #last: WaitingFrame | null = null;
  #waitingBytes = 0;
  /**
   * Bytes of pieces, heads included, since the connection began: handed to the writer, and acknowledged by the
   * receiver.
   */
  #sent = 0;
  #taken = 0;

  constructor(writer: PieceWriter, limits: BulkLimits) {
    const { pieceBytesMax, windowBytes } = limits;
    assert(windowBytes >= 2 * (headBytes + pieceBytesMax), "half a window takes a whole piece");
    this.#writer = writer;
    this.#limits = limits;
  }

  /** Bytes of bodies that have not left yet, with what each waiting frame costs besides. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** False when the queue is full. A frame above the limit is accepted when no other frame waits. */
  add(kind: number, parts: readonly Uint8Array[], bytes: number, summed: number): boolean {
    if (this.#first === null && this.#fits(bytes) && bytes <= this.#limits.pieceBytesMax) {
      this.#sent += headBytes + bytes;
      this.#writer.addWhole(kind, parts, bytes, summed);
      return true;
    }
    const cost = bytes + recordBytes;
    if (this.#first !== null && this.#waitingBytes + cost > this.#limits.queueBytesMax) {
      return false;
    }
    this.#waitingBytes += cost;
    const frame = { kind, parts, bytes, left: 0, part: 0, offset: 0, unsummed: summed, next: null };
    if (this.#last === null) this.#first = frame;
    else this.#last.next = frame;
    this.#last = frame;
    this.#send();
    return true;
  }

  /** The receiver says how many bytes it has taken since the connection began. False when that cannot be true. */
  taken(bytes: number): boolean {
    if (bytes < this.#taken || bytes > this.#sent) return false;
    this.#taken = bytes;
    this.#send();
    return true;
  }

  #fits(bytes: number): boolean {
    return this.#sent - this.#taken + headBytes + bytes <= this.#limits.windowBytes;
  }

  /** Sends as many pieces as fit into the window. */
  #send(): void {
    for (let frame = this.#first; frame !== null; frame = this.#first) {
      const bytes = Math.min(frame.bytes - frame.left, this.#limits.pieceBytesMax);
      if (!this.#fits(bytes)) return;
      this.#sent += headBytes + bytes;
      if (bytes === frame.bytes) {
        this.#writer.addWhole(frame.kind, frame.parts, bytes, frame.unsummed);
        frame.left = bytes;
      } else this.#cut(frame, bytes);
      this.#waitingBytes -= bytes;
      if (frame.left < frame.bytes) continue;
      this.#waitingBytes -= recordBytes;
      this.#first = frame.next;
      if (this.#first === null) this.#last = null;
    }
  }

  #cut(frame: WaitingFrame, bytes: number): void {
    const summed = Math.min(frame.unsummed, bytes);
    const isFirst = frame.left === 0;
    const isLast = frame.left + bytes === frame.bytes;
    const flags = (isFirst ? firstFlag : 0) | (isLast ? lastFlag : 0);
    this.#writer.addPiece({ kind: frame.kind, flags, bytes, summed }, slicesOf(frame, bytes));
    frame.left += bytes;
    frame.unsummed -= summed;
  }
}

/** Views of the next `bytes` bytes of a frame; moves the frame's place past them. */
function slicesOf(frame: WaitingFrame, bytes: number): Uint8Array[] {
  const slices: Uint8Array[] = [];
  for (let wanted = bytes; wanted > 0; ) {
    const part = frame.parts[frame.part];
    assert(part !== undefined, "the parts have as many bytes as was said");
    const slice = part.subarray(frame.offset, frame.offset + wanted);
    if (slice.byteLength > 0) slices.push(slice);
    wanted -= slice.byteLength;
    frame.offset += slice.byteLength;
    if (frame.offset < part.byteLength) continue;
    frame.part += 1;
    frame.offset = 0;
  }
  return slices;
}
