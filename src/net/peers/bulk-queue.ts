// The bulk frames that wait for one peer: cut into pieces, and never more under way than the window.

import { assert } from "../../assert.ts";
import { firstFlag, headBytes, lastFlag } from "./piece.ts";
import type { PieceWriter } from "./piece-writer.ts";

export interface BulkLimits {
  readonly pieceBytesMax: number;
  readonly windowBytes: number;
  readonly queueBytesMax: number;
}

/** What a waiting frame costs besides its body, about: so an empty one counts too. */
const recordBytes = 256;

/** A frame of which something has not left yet; each knows the one behind it. */
interface WaitingFrame {
  readonly kind: number;
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
  /** The first byte that has not left: how many have, and where that is in the parts. */
  left: number;
  part: number;
  offset: number;
  /** Bytes from there on that the heads' CRCs prove. */
  unsummed: number;
  next: WaitingFrame | null;
}

/**
 * Bulk waits here and not in the kernel, whose buffers hold megabytes: an urgent frame would stand behind all of them. So at
 * most `windowBytes` are under way that the receiver has not said it has taken, and that is the longest wait.
 */
export class BulkQueue {
  readonly #writer: PieceWriter;
  readonly #limits: BulkLimits;
  #first: WaitingFrame | null = null;
  #last: WaitingFrame | null = null;
  #waitingBytes = 0;
  /** Bytes of pieces, heads included, since the connection began: handed to the writer, taken by the receiver. */
  #sent = 0;
  #taken = 0;

  constructor(writer: PieceWriter, limits: BulkLimits) {
    const { pieceBytesMax, windowBytes } = limits;
    assert(windowBytes >= 2 * (headBytes + pieceBytesMax), "half a window takes a whole piece");
    this.#writer = writer;
    this.#limits = limits;
  }

  /** Of bodies that have not left yet, and of their records here. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** False when the queue is full; a frame above the limit is taken when no other waits. */
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

  /** The receiver has taken so many bytes since the connection began. False: it cannot have. */
  taken(bytes: number): boolean {
    if (bytes < this.#taken || bytes > this.#sent) return false;
    this.#taken = bytes;
    this.#send();
    return true;
  }

  #fits(bytes: number): boolean {
    return this.#sent - this.#taken + headBytes + bytes <= this.#limits.windowBytes;
  }

  /** As many pieces as the window has room for. */
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

/** Views of the next bytes of a frame, and its place moves behind them. */
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
