// Writes of this node's clients on their way through the log: collected, numbered, sent, answered.

import { assert } from "../../assert.ts";
import type { Waiter } from "../../net/clients/waiter.ts";
import { errors } from "../../resp/errors.ts";
import type { ErrorReply, Reply } from "../../resp/reply.ts";
import { BatchBuilder, groupHeaderBytes } from "../../state/execution/proposal.ts";
import { Fifo } from "./fifo.ts";
import { Gathering } from "./gathering.ts";
import type { ReplicaLimits } from "./replica-limits.ts";

/** Numbered writes. Numbers of one incarnation are contiguous from 1. */
export interface WriteBatch {
  readonly firstNumber: number;
  readonly count: number;
  /** Groups of requests as `state/execution/proposal.ts` lays them out. */
  readonly body: Uint8Array;
}

/** Requests that go together, and who waits for them. */
interface Batch {
  readonly count: number;
  /** Empty when the outcome was told as unknown: its numbers are still sent, and its requests are not. */
  body: Uint8Array;
  /** waiters[i] gets the next counts[i] replies; emptied when the outcome was told as unknown. */
  waiters: readonly Waiter[];
  counts: readonly number[];
}

interface Numbered extends Batch {
  readonly firstNumber: number;
}

/** Replies are written after every so many, so that clients can go on while the rest of an entry is applied. */
const repliesPerWrite = 64;
const nothing = new Uint8Array(0);

/** What the writes need of their node. */
export interface WritePorts {
  /** The way to the leader. False: it has not left, and a later `flush` tries again. */
  submit(batch: WriteBatch): boolean;
  /** Called now and then in the middle of a large entry: its first replies may leave. */
  answered(): void;
  readonly limits: ReplicaLimits;
}

/**
 * Keeps every write from its arrival to its apply on this node (ARCHITECTURE.md: the leader only orders).
 *
 * Invariants: a number is given once and never skipped, and only to what leaves this node; batches are sent in
 * order of number, and after a change of leader or connection again from the lowest pending one; no more than a
 * window of them is under way and not applied here, or a single larger one.
 */
export class PendingWrites {
  readonly origin: number;
  readonly incarnation: number;
  readonly #ports: WritePorts;
  readonly #gathering = new Gathering();

  readonly #collecting = new BatchBuilder();
  #waiters: Waiter[] = [];
  #counts: number[] = [];
  /** Batches that were complete before they could leave; without numbers. */
  #closed = new Fifo<Batch>();
  #closedBytes = 0;

  #nextNumber = 1;
  readonly #numbered = new Fifo<Numbered>();
  #numberedBytes = 0;
  /** Batches at the head of `#numbered` that the present leader has been sent, and their bytes. */
  #sent = 0;
  #sentBytes = 0;
  /** A batch was applied, so there may be room for another one. */
  #hasRoomAgain = false;
  /** The lowest pending number at the last `staleFrom`; 0: there was none. */
  #oldestPending = 0;
  /** Within the first batch: the waiter that gets the next reply, and how many replies that one has had. */
  #waiterAt = 0;
  #repliesToWaiter = 0;
  #repliesToBatch = 0;
  /** Requests that are not applied here yet, and how many waiters wait for them; a waiter of two batches counts twice. */
  #length = 0;
  #waiting = 0;

  constructor(origin: number, incarnation: number, ports: WritePorts) {
    this.origin = origin;
    this.incarnation = incarnation;
    this.#ports = ports;
  }

  /** Requests not yet applied here. */
  get length(): number {
    return this.#length;
  }
  get bytes(): number {
    return this.#numberedBytes + this.#closedBytes + this.#collecting.byteLength;
  }
  get isFull(): boolean {
    return this.bytes >= this.#ports.limits.pendingBytesMax;
  }
  /** Something waited for a place in the window, and there is one now. */
  get wantsFlush(): boolean {
    const isUnsent = this.#sent < this.#numbered.length || this.#closed.length > 0;
    return this.#hasRoomAgain && (isUnsent || !this.#collecting.isEmpty);
  }

  /** Copies one request: the bytes [start, end) of `source`, as they came from the client. */
  add(waiter: Waiter, source: Buffer, start: number, end: number): void {
    const { batchBytesMax } = this.#ports.limits;
    const bytes = groupHeaderBytes + end - start;
    if (this.#collecting.byteLength + bytes > batchBytesMax) this.#close();
    this.#collecting.add(waiter.database, waiter.protocol, waiter.id, source, start, end);
    this.#length += 1;
    const last = this.#waiters.length - 1;
    if (this.#waiters[last] === waiter) this.#counts[last] = (this.#counts[last] as number) + 1;
    else {
      this.#waiters.push(waiter);
      this.#counts.push(1);
      this.#waiting += 1;
    }
  }

  /** Numbers and sends what may leave. True: some of it waits for more to come, and another turn is wanted. */
  flush(): boolean {
    this.#hasRoomAgain = false;
    if (!this.#sendNumbered() || !this.#sendClosed()) return false;
    const bytes = this.#collecting.byteLength;
    if (this.#collecting.isEmpty || !this.#hasRoom(bytes)) return false;
    if (!this.#gathering.mayLeave(this.#waiting, bytes)) return true;
    this.#close();
    this.#sendClosed();
    return false;
  }

  /** The leader, its term or the connection to it changed: what was sent may be lost. */
  sendAgain(): void {
    this.#sent = 0;
    this.#sentBytes = 0;
  }

  /** The leader has everything below this number, and misses what was sent from there on. */
  goOnFrom(number: number): void {
    this.sendAgain();
    for (const { firstNumber, count, body } of this.#numbered) {
      if (firstNumber + count > number) return;
      this.#sent += 1;
      this.#sentBytes += body.length;
    }
  }

  /**
   * Called now and then, because a frame may have been dropped on its way. If the lowest pending number is the same
   * as at the last call, returns the number behind what was sent: the leader is asked whether it misses anything
   * before it. Else null.
   */
  staleFrom(): number | null {
    const oldest = this.#numbered.first()?.firstNumber ?? 0;
    const isStale = oldest !== 0 && oldest === this.#oldestPending && this.#sent > 0;
    this.#oldestPending = oldest;
    if (!isStale) return null;
    const last = this.#numbered.at(this.#sent - 1);
    return last.firstNumber + last.count;
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
    this.#length -= 1;
    if (++this.#repliesToBatch === batch.count) this.#finishBatch();
    else if (this.#repliesToBatch % repliesPerWrite === 0) this.#ports.answered();
  }

  /**
   * This node's state holds its writes up to a number, but their replies are lost: a snapshot has brought the state
   * there, or the writes were given up. Their clients get -UNKNOWN and no closed connection, because most clients
   * would then send the requests again.
   */
  passed(highest: number): void {
    for (;;) {
      const batch = this.#numbered.first();
      if (batch === undefined || batch.firstNumber > highest) return;
      assert(batch.firstNumber + batch.count - 1 <= highest, "a batch is passed as a whole");
      this.#answerUnknown(batch);
      this.#length -= batch.count - this.#repliesToBatch;
      this.#finishBatch();
    }
  }

  /**
   * There was no leader for too long: writes that never left get a definite error, the others an unknown outcome.
   * Their numbers are still sent, without the requests, so a write that no leader has ordered by now takes no effect
   * later.
   */
  giveUp(refusal: ErrorReply = errors.clusterDown): void {
    let at = 0;
    for (const batch of this.#numbered) {
      this.#numberedBytes -= batch.body.length;
      if (at++ < this.#sent) this.#sentBytes -= batch.body.length;
      batch.body = nothing;
      this.#answerUnknown(batch);
    }
    this.#close();
    const closed = this.#closed;
    this.#closed = new Fifo();
    this.#closedBytes = 0;
    for (const { waiters, counts, count } of closed) {
      this.#length -= count;
      this.#waiting -= waiters.length;
      waiters.forEach((waiter, each) => {
        answer(waiter, counts[each] as number, refusal);
      });
    }
  }

  #close(): void {
    if (this.#collecting.isEmpty) return;
    const count = this.#collecting.requestCount;
    const body = this.#collecting.take();
    this.#closed.push({ count, body, waiters: this.#waiters, counts: this.#counts });
    this.#closedBytes += body.length;
    this.#waiters = [];
    this.#counts = [];
  }

  #hasRoom(bytes: number): boolean {
    return this.#sentBytes === 0 || this.#sentBytes + bytes <= this.#ports.limits.writeWindowBytes;
  }

  /** False: some numbered batch has not left. */
  #sendNumbered(): boolean {
    while (this.#sent < this.#numbered.length) {
      const batch = this.#numbered.at(this.#sent);
      if (!this.#send(batch)) return false;
    }
    return true;
  }

  /** False: there is more of it. */
  #sendClosed(): boolean {
    for (let batch = this.#closed.first(); batch !== undefined; batch = this.#closed.first()) {
      const numbered = { firstNumber: this.#nextNumber, ...batch };
      if (!this.#send(numbered)) return false;
      this.#closed.shift();
      this.#closedBytes -= batch.body.length;
      this.#numbered.push(numbered);
      this.#numberedBytes += batch.body.length;
      this.#nextNumber += batch.count;
    }
    return true;
  }

  /** False: it has not left. */
  #send(batch: Numbered): boolean {
    const bytes = batch.body.length;
    if (!this.#hasRoom(bytes) || !this.#ports.submit(batch)) return false;
    this.#sent += 1;
    this.#sentBytes += bytes;
    return true;
  }

  #finishBatch(): void {
    const { body, waiters } = this.#numbered.shift();
    this.#numberedBytes -= body.length;
    this.#waiting -= waiters.length;
    if (this.#sent > 0) {
      this.#sent -= 1;
      this.#sentBytes -= body.length;
    }
    this.#hasRoomAgain = true;
    this.#waiterAt = 0;
    this.#repliesToWaiter = 0;
    this.#repliesToBatch = 0;
  }

  /** Answers those of a numbered batch who have had no reply yet; they wait no longer. */
  #answerUnknown(batch: Numbered): void {
    const isFirst = batch === this.#numbered.first();
    let answered = isFirst ? this.#repliesToWaiter : 0;
    for (let at = isFirst ? this.#waiterAt : 0; at < batch.waiters.length; at++) {
      answer(batch.waiters[at], (batch.counts[at] as number) - answered, errors.unknownOutcome);
      answered = 0;
    }
    this.#waiting -= batch.waiters.length;
    batch.waiters = [];
    if (!isFirst) return;
    this.#waiterAt = 0;
    this.#repliesToWaiter = 0;
  }
}

function answer(waiter: Waiter | undefined, times: number, error: ErrorReply): void {
  for (let each = 0; each < times; each++) waiter?.reply(error);
}
