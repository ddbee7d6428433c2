// Puts the frames of one connection together again from their pieces.

import { firstFlag, isBulk, lastFlag, wholeFlags } from "./piece.ts";

export interface AssemblyLimits {
  readonly frameBytesMax: number;
  readonly pieceBytesMax: number;
}

/** Mistakes that no peer of this version makes: the connection has to be closed. */
export type AssemblyFault =
  | "flags that mean nothing"
  | "an urgent frame in pieces"
  | "a frame that begins inside another"
  | "a piece of no frame"
  | "a piece that is too short"
  | "a frame above the limit";

/**
 * Urgent frames arrive whole, between the pieces of a bulk frame. At most one bulk frame is unfinished at a time, and
 * this class holds the pieces of it that have arrived, because no head announces the size of a frame. All pieces but
 * the last are full, so a frame of the largest size has a bounded number of them, and their bookkeeping is small
 * beside their bytes.
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

  /** The whole body when this piece completes its frame, or what is wrong; null while more pieces are to come. */
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
