// The replies of all clients together: what waits for their sockets, in bytes.

import { repliesBytesMax, repliesPauseBytes } from "../../constants.ts";

export interface ReplyLimits {
  readonly pauseBytes: number;
  readonly bytesMax: number;
}

const defaultLimits: ReplyLimits = { pauseBytes: repliesPauseBytes, bytesMax: repliesBytesMax };

export class ReplyTotal {
  readonly #limits: ReplyLimits;
  #bytes = 0;

  constructor(limits = defaultLimits) {
    this.#limits = limits;
  }

  get bytes(): number {
    return this.#bytes;
  }
  /** Only small replies are made now. */
  get isCrowded(): boolean {
    return this.#bytes >= this.#limits.pauseBytes;
  }
  /** Somebody has to go. */
  get isOver(): boolean {
    return this.#bytes > this.#limits.bytesMax;
  }

  add(bytes: number): void {
    this.#bytes += bytes;
  }
}
