// Writes of this node's clients on their way through the log: collected, numbered, sent, answered.

import { assert } from "../../assert.ts";
import type { Waiter } from "../../net/clients/waiter.ts";
import { errors } from "../../resp/errors.ts";
import type { ErrorReply, Reply } from "../../resp/reply.ts";
import { BatchBuilder } from "../../state/proposal.ts";
import { Fifo } from "./fifo.ts";
import type { ReplicaLimits } from "./replica-limits.ts";

/** Numbered writes of one turn. Numbers of one incarnation are contiguous from 1. */
export interface WriteBatch {
  readonly firstNumber: number;
  readonly count: number;
  /** Groups of requests as `state/proposal.ts` lays them out. */
  readonly body: Uint8Array;
}

interface Pending extends WriteBatch {
  /** waiters[i] gets the next counts[i] replies; emptied when the outcome was told as unknown. */
  waiters: readonly Waiter[];
  counts: readonly number[];
}

/** Clients work on their first replies while the rest of an entry is applied. */
const repliesPerWrite = 64;

/** What the writes need of their node. */
export interface WritePorts {
  /** The way to the leader. False: not taken now; `sendAgain` or `flush` will come back to it. */
  submit(batch: WriteBatch): boolean;
  /** Called now and then in the middle of a large entry: its first replies may leave. */
  answered(): void;
  readonly limits: ReplicaLimits;
}

/**
 * Keeps every write from its arrival to its apply on this node (ARCHITECTURE.md: the leader only orders).
 *
 * Invariants: a number is given once and never skipped; batches are submitted in order of number,
 * and after a change of leader or connection again from the lowest pending one; a write without a
 * number never left this node.
 */
export class PendingWrites {
  readonly origin: number;
  readonly incarnation: number;
  readonly #ports: WritePorts;

  #collecting = new BatchBuilder();
  #waiters: Waiter[] = [];
  #counts: number[] = [];

  #nextNumber = 1;
  readonly #numbered = new Fifo<Pending>();
  #numberedBytes = 0;
  /** Batches at the head of `#numbered` that the present leader has been sent. */
  #sent = 0;
  /** As of the last `sendStale`. */
  #oldestPending = 0;
  /** Within the first batch: its waiter at work, and how many replies that one has had. */
  #waiterAt = 0;
  #repliesToWaiter = 0;
  #repliesToBatch = 0;

  constructor(origin: number, incarnation: number, ports: WritePorts) {
    this.origin = origin;
    this.incarnation = incarnation;
    this.#ports = ports;
  }

  /** Requests not yet applied here. */
  get length(): number {
    let length = this.#collecting.requestCount - this.#repliesToBatch;
    for (const batch of this.#numbered) length += batch.count;
    return length;
  }
  get isFull(): boolean {
    return this.#numberedBytes + this.#collecting.byteLength >= this.#ports.limits.pendingBytesMax;
  }
  get isEmpty(): boolean {
    return this.#numbered.length === 0 && this.#collecting.isEmpty;
  }

  /** Takes one request: the bytes [start, end) of `source`, as they came from the client. */
  add(waiter: Waiter, source: Buffer, start: number, end: number): void {
    this.#collecting.add(waiter.database, waiter.protocol, waiter.id, source, start, end);
    const last = this.#waiters.length - 1;
    if (this.#waiters[last] === waiter) this.#counts[last] = (this.#counts[last] as number) + 1;
    else {
      this.#waiters.push(waiter);
      this.#counts.push(1);
    }
    if (this.#collecting.byteLength >= this.#ports.limits.batchBytesMax) this.flush();
  }

  /** Numbers what was collected and sends what is not sent. `leaderKnown` false: nothing leaves. */
  flush(leaderKnown = true): void {
    if (!leaderKnown) return;
    this.#sendUnsent();
    if (this.#collecting.isEmpty || this.#sent < this.#numbered.length) return;
    this.#number();
    this.#sendUnsent();
  }

  /** The leader, its term or the connection to it changed: what was sent may be lost. */
  sendAgain(): void {
    this.#sent = 0;
  }

  /** Now and then: a frame may have been dropped on its way, so what is pending for long goes again. */
  sendStale(): void {
    const oldest = this.#numbered.first()?.firstNumber ?? 0;
    if (oldest !== 0 && oldest === this.#oldestPending) this.sendAgain();
    this.#oldestPending = oldest;
  }

  /** The reply of this node's own apply to the next write in order of number. */
  reply(reply: Reply): void {
    const batch = this.#numbered.first();
    assert(batch !== undefined, "an applied write of this incarnation is pending here");
    const waiter = batch.waiters[this.#waiterAt];
    if (waiter !== undefined) {
      waiter.reply(reply);
      if (++this.#repliesToWaiter === batch.counts[this.#waiterAt]) {
        this.#waiterAt++;
        this.#repliesToWaiter = 0;
      }
    }
    if (++this.#repliesToBatch === batch.count) this.#finishBatch();
    else if (this.#repliesToBatch % repliesPerWrite === 0) this.#ports.answered();
  }

  /**
   * A snapshot brought this node's state past its writes up to a number: whatever their replies were,
   * they are lost. Not a closed connection, because most clients would send the requests again.
   */
  overtaken(highest: number): void {
    for (;;) {
      const batch = this.#numbered.first();
      if (batch === undefined || batch.firstNumber + this.#repliesToBatch > highest) return;
      this.reply(errors.unknownOutcome);
    }
  }

  /** No leader for too long: what never left gets a definite error, the rest an unknown outcome. */
  giveUp(refusal: ErrorReply = errors.clusterDown): void {
    let at = this.#waiterAt;
    let answered = this.#repliesToWaiter;
    for (const batch of this.#numbered) {
      for (; at < batch.waiters.length; at++) {
        answer(batch.waiters[at], (batch.counts[at] as number) - answered, errors.unknownOutcome);
        answered = 0;
      }
      at = 0;
      batch.waiters = [];
    }
    this.#waiterAt = 0;
    this.#repliesToWaiter = 0;

    const [waiters, counts] = [this.#waiters, this.#counts];
    this.#forgetCollected();
    waiters.forEach((waiter, each) => {
      answer(waiter, counts[each] as number, refusal);
    });
  }

  #number(): void {
    const count = this.#collecting.requestCount;
    const body = this.#collecting.take();
    const [waiters, counts] = [this.#waiters, this.#counts];
    this.#numbered.push({ firstNumber: this.#nextNumber, count, body, waiters, counts });
    this.#numberedBytes += body.length;
    this.#nextNumber += count;
    this.#waiters = [];
    this.#counts = [];
  }

  #sendUnsent(): void {
    while (this.#sent < this.#numbered.length) {
      if (!this.#ports.submit(this.#numbered.at(this.#sent))) return;
      this.#sent++;
    }
  }

  #finishBatch(): void {
    const batch = this.#numbered.shift();
    this.#numberedBytes -= batch.body.length;
    if (this.#sent > 0) this.#sent--;
    this.#waiterAt = 0;
    this.#repliesToWaiter = 0;
    this.#repliesToBatch = 0;
  }

  #forgetCollected(): void {
    this.#collecting = new BatchBuilder();
    this.#waiters = [];
    this.#counts = [];
  }
}

function answer(waiter: Waiter | undefined, times: number, error: ErrorReply): void {
  for (let each = 0; each < times; each++) waiter?.reply(error);
}
