// One direction between two nodes: the connection that `from` dials and sends on, its queues and its wire.

import { bulkKindMin, headBytes } from "../../src/net/peers/piece.ts";

/** The end of a link: a process. */
export interface Host {
  readonly id: number;
  /** The process runs, or is paused. */
  readonly isUp: boolean;
  readonly isPaused: boolean;
  frame(from: number, kind: number, body: Buffer): void;
  connected(peer: number): void;
  /** `refused`: nothing listens there, the process is gone. */
  disconnected(peer: number, refused: boolean): void;
  /** By what this node knows, the peer is no member any more. */
  hasRemoved(peer: number): boolean;
  /** A member says that this node is none any more. */
  removed(by: number): void;
}

/** What is sent. */
export interface Sent {
  readonly kind: number;
  readonly body: Buffer;
}

/** A frame of which every byte is on the wire. */
export interface Frame extends Sent {
  readonly arrives: number;
}

export interface Link {
  readonly from: Host;
  readonly to: Host;
  /** The dialler's address book names the other one. */
  isWanted: boolean;
  state: "closed" | "waiting" | "dialling" | "up";
  /** Moves on with every change of state: events of an earlier one are void. */
  epoch: number;
  /** Packets of this direction get nowhere. */
  isBlocked: boolean;
  /** The process at the other end is another one, or none: the next packet is answered by a reset. */
  isOrphan: boolean;
  silentPings: number;
  attempts: number;
  told: "nothing" | "up" | "down" | "refused";
  readonly lane: Lane;
}

export function newLink(from: Host, to: Host, lane: Lane): Link {
  return {
    ...{ from, to, isWanted: false, state: "closed", epoch: 0, isBlocked: false },
    ...{ isOrphan: false, silentPings: 0, attempts: 0, told: "nothing", lane },
  };
}

export interface LaneOptions {
  readonly bytesPerSecond: number;
  /** Bulk leaves its queue while less than this is on the wire. */
  readonly windowBytes: number;
  readonly queueBytesMax: number;
  /** Of one packet. */
  delay(): number;
  /** An urgent frame leaves before bulk that was sent earlier. */
  overtakes(): void;
}

const isBulk = ({ kind }: Sent): boolean => kind >= bulkKindMin;
const sizeOf = ({ body }: Sent): number => headBytes + body.length;

/**
 * The frames of one connection. Urgent ones go onto the wire at once, behind what is on it already; bulk waits in a
 * queue and goes piece by piece, as far as the window allows. Order holds within each kind; an urgent frame may
 * overtake bulk and never the other way round.
 */
export class Lane {
  /** By the time of their arrival. */
  frames: Frame[] = [];
  /** The earliest arrival that an event is planned for. */
  wakesAt = Number.POSITIVE_INFINITY;
  /** An event is planned that goes on with the queue. */
  isPumping = false;
  #options: LaneOptions;
  #queue: Sent[] = [];
  #queuedBytes = 0;
  /** Of the first frame in the queue: what is on the wire already. */
  #begunBytes = 0;
  /** When all that is on the wire has left it. */
  #busyUntil = 0;
  #lastArrival = 0;
  #lastUrgentArrival = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get hasQueue(): boolean {
    return this.#queue.length > 0;
  }

  /** A new connection, or none. */
  clear(now: number): void {
    this.frames = [];
    this.wakesAt = Number.POSITIVE_INFINITY;
    this.isPumping = false;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#begunBytes = 0;
    this.#busyUntil = now;
    this.#lastArrival = now;
    this.#lastUrgentArrival = now;
  }

  /** From now on bandwidth plays no role. */
  widen(): void {
    const bytesPerSecond = Number.POSITIVE_INFINITY;
    this.#options = { ...this.#options, bytesPerSecond, windowBytes: bytesPerSecond };
  }

  /** False: the queue is full. A frame that finds it empty always fits. */
  add(sent: Sent, now: number): boolean {
    if (!isBulk(sent)) {
      this.#transmit(sizeOf(sent), now);
      this.#launch(sent);
      return true;
    }
    const size = sizeOf(sent);
    const isOver = this.#queuedBytes + size > this.#options.queueBytesMax;
    if (this.#queue.length > 0 && isOver) return false;
    this.#queue.push(sent);
    this.#queuedBytes += size;
    return true;
  }

  /** Bulk goes onto the wire. Returns when to go on with the rest; null: nothing is left. */
  pump(now: number): number | null {
    const { windowBytes, bytesPerSecond } = this.#options;
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined) return null;
      const onWire = (Math.max(0, this.#busyUntil - now) * bytesPerSecond) / 1e6;
      // Nothing is on a wire that takes no time; a product of 0 and infinity would not say so.
      if (this.#busyUntil > now && onWire >= windowBytes) return this.#busyUntil;
      const left = sizeOf(first) - this.#begunBytes;
      const piece = Math.min(left, windowBytes);
      this.#transmit(piece, now);
      this.#queuedBytes -= piece;
      this.#begunBytes += piece;
      if (piece < left) continue;
      this.#begunBytes = 0;
      this.#queue.shift();
      this.#launch(first);
    }
  }

  #transmit(bytes: number, now: number): void {
    const us = (bytes * 1e6) / this.#options.bytesPerSecond;
    this.#busyUntil = Math.max(this.#busyUntil, now) + us;
  }

  /** The frame's last byte leaves when the wire has carried everything that is on it now. */
  #launch(sent: Sent): void {
    const earliest = Math.ceil(this.#busyUntil) + this.#options.delay();
    const behind = isBulk(sent) ? this.#lastArrival : this.#lastUrgentArrival;
    const arrives = Math.max(behind, earliest);
    this.#lastArrival = Math.max(this.#lastArrival, arrives);
    if (!isBulk(sent)) this.#lastUrgentArrival = arrives;
    const frame = { ...sent, arrives };
    const place = this.frames.findLastIndex((each) => each.arrives <= arrives) + 1;
    const overtakes = place < this.frames.length || (!isBulk(sent) && this.hasQueue);
    if (overtakes) this.#options.overtakes();
    this.frames.splice(place, 0, frame);
  }
}
