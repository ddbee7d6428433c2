// Puts the frames of one connection together again from their pieces.

import { firstFlag, isBulk, lastFlag, wholeFlags } from "./piece.ts";

export interface AssemblyLimits {
  readonly frameBytesMax: number;
  readonly pieceBytesMax: number;
}

/** What a peer of this version never sends; the connection has to be closed. */
export type AssemblyFault =
  | "flags that mean nothing"
  | "an urgent frame in pieces"
  | "a frame that begins inside another"
  | "a piece of no frame"
  | "a piece that is too short"
  | "a frame above the limit";

/**
 * Urgent frames are whole and come between the pieces of a bulk frame; of bulk frames one at a time is unfinished. It holds
 * what has arrived of that one: a frame's size is nowhere announced. Because all pieces but the last are full, a frame
 * of the largest size is a bounded number of pieces, and their bookkeeping is nothing beside their bytes.
 */
export class FrameAssembly {
  readonly #limits: AssemblyLimits;
  #kind = 0;
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(limits: AssemblyLimits) {
    this.#limits = limits;
  }

  /** Bytes of the unfinished frame. */
  get heldBytes(): number {
    return this.#bytes;
  }

  /** The whole body when this piece was the last of its frame, else null: more is to come. */
  add(kind: number, flags: number, body: Buffer): Buffer | AssemblyFault | null {
    if (flags === wholeFlags) {
      const isInside = isBulk(kind) && this.#pieces.length > 0;
      return isInside ? "a frame that begins inside another" : body;
    }
    return this.#faultOf(kind, flags, body) ?? this.#join(kind, flags, body);
  }

  #faultOf(kind: number, flags: number, body: Buffer): AssemblyFault | null {
    const { frameBytesMax, pieceBytesMax } = this.#limits;
    if (flags > wholeFlags) return "flags that mean nothing";
    if (!isBulk(kind)) return "an urgent frame in pieces";
    const isOpen = this.#pieces.length > 0;
    if ((flags & firstFlag) !== 0) {
      if (isOpen) return "a frame that begins inside another";
    } else if (!isOpen || kind !== this.#kind) return "a piece of no frame";
    if ((flags & lastFlag) === 0 && body.length < pieceBytesMax) return "a piece that is too short";
    if (this.#bytes + body.length > frameBytesMax) return "a frame above the limit";
    return null;
  }

  #join(kind: number, flags: number, body: Buffer): Buffer | null {
    this.#kind = kind;
    this.#pieces.push(body);
    this.#bytes += body.length;
    if ((flags & lastFlag) === 0) return null;
    const whole = Buffer.concat(this.#pieces, this.#bytes);
    this.#pieces = [];
    this.#bytes = 0;
    return whole;
  }
}
