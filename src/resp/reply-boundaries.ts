// Where replies of RESP2 begin, and whether they may be given to redis-parser at all.

import { unreachable } from "../assert.ts";

const CR = 13;
const lineTypes = new Set([..."+-:"].map((mark) => mark.charCodeAt(0)));
const BULK = 36;
const ARRAY = 42;
/** The longest header that announces a length; `+` and `-` lines have no limit. */
const headerDigitsMax = 16;
/** Elements of one array: the parser allocates them by the count alone. */
const arrayLengthMax = 2 ** 24;
const bulkBytesMax = 2 ** 29;

type Phase = "type" | "line" | "length" | "lineEnd" | "bulk";

/**
 * Follows the bytes of a stream of replies, chunk by chunk. redis-parser has no limits, and does not
 * tell a simple string from a bulk string; this does.
 */
export class ReplyBoundaries {
  #phase: Phase = "type";
  #type = 0;
  #digits = "";
  /** Bytes of the bulk string, with its line end, that are still to come. */
  #skip = 0;
  /** Elements still to come of each array that is open. */
  readonly #open: number[] = [];

  /** Calls `begun` with the first byte of each reply that begins here. False: these are no replies. */
  follow(chunk: Buffer, begun: (type: number) => void): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.#phase === "bulk") {
        const taken = Math.min(this.#skip, chunk.length - at);
        this.#skip -= taken;
        at += taken;
        if (this.#skip === 0) this.#ended();
      } else if (!this.#take(chunk[at++] ?? 0, begun)) {
        return false;
      }
    }
    return true;
  }

  #take(byte: number, begun: (type: number) => void): boolean {
    switch (this.#phase) {
      case "type":
        if (this.#open.length === 0) begun(byte);
        this.#type = byte;
        this.#digits = "";
        this.#phase = lineTypes.has(byte) ? "line" : "length";
        return lineTypes.has(byte) || byte === BULK || byte === ARRAY;
      case "line":
        if (byte === CR) this.#phase = "lineEnd";
        return true;
      case "length":
        if (byte === CR) this.#phase = "lineEnd";
        else this.#digits += String.fromCharCode(byte);
        return this.#digits.length <= headerDigitsMax;
      case "lineEnd":
        return this.#headerEnded();
      case "bulk":
        return true; // Its bytes are skipped as a whole.
      default:
        return unreachable(this.#phase);
    }
  }

  #headerEnded(): boolean {
    if (lineTypes.has(this.#type)) {
      this.#ended();
      return true;
    }
    if (!/^-?[0-9]+$/.test(this.#digits)) return false;
    const length = Number(this.#digits);
    if (length > (this.#type === BULK ? bulkBytesMax : arrayLengthMax)) return false;
    if (length < 0 || (length === 0 && this.#type === ARRAY)) {
      this.#ended();
    } else if (this.#type === BULK) {
      this.#skip = length + 2;
      this.#phase = "bulk";
    } else {
      this.#open.push(length);
      this.#phase = "type";
    }
    return true;
  }

  /** One reply is over, and with it perhaps the arrays whose last element it was. */
  #ended(): void {
    this.#phase = "type";
    for (let left = this.#open.pop(); left !== undefined; left = this.#open.pop()) {
      if (left > 1) {
        this.#open.push(left - 1);
        return;
      }
    }
  }
}
