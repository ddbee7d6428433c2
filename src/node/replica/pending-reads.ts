// Reads of this node's clients: collected in a turn, behind one barrier, executed on this node.

import type { Waiter } from "../../net/clients/waiter.ts";
import { errors } from "../../resp/errors.ts";
import type { ErrorReply } from "../../resp/reply.ts";
import { UncutRequest } from "../../resp/uncut-request.ts";
import type { ReadCommand } from "../../state/commands/spec.ts";
import type { Arguments } from "../../state/parse/arguments.ts";
import { Gathering } from "./gathering.ts";
import type { ReadBarrier } from "./read-barrier.ts";
import { ReadBatch } from "./read-batch.ts";
import { type Reader, ReadRunner } from "./read-runner.ts";
import { defaultLimits } from "./replica-limits.ts";

/**
 * Invariants: a read runs only on a state that contains everything acknowledged before it arrived; a
 * session's reads are answered in the order of their arrival.
 */
export class PendingReads {
  readonly #barrier: Pick<ReadBarrier, "request" | "forget">;
  readonly #gathering = new Gathering();
  readonly #runner: ReadRunner;
  #collecting = new ReadBatch(false);
  #collectedBytes = 0;
  /** Reads of READONLY sessions: they need no barrier, and run with the next `run`. */
  #local = new ReadBatch(false);
  /** Batches by token. One that waits for a tick is older, for each of its sessions, than any batch in `#asked`. */
  readonly #asked = new Map<number, ReadBatch>();
  readonly #ticks = new Map<number, ReadBatch>();
  /** Reads in `#asked`. */
  #askedReads = 0;
  readonly #bytesMax: number;
  #bytes = 0;

  /** `monotonicMs`: a clock that only ever goes forward. */
  constructor(
    reader: Reader,
    barrier: Pick<ReadBarrier, "request" | "forget">,
    monotonicMs: () => number,
    { pendingReadBytesMax } = defaultLimits,
  ) {
    this.#barrier = barrier;
    this.#bytesMax = pendingReadBytesMax;
    this.#runner = new ReadRunner({
      reader,
      monotonicMs,
      tick: (batch) => this.#ticks.set(barrier.request(true), batch),
      ended: (bytes) => {
        this.#bytes -= bytes;
      },
    });
  }

  /** A long read is paused: no entry may be applied until it has ended. */
  get isPaused(): boolean {
    return this.#runner.isPaused;
  }

  /** Some may run on the state as it is now. */
  get areReady(): boolean {
    return this.#runner.isReady;
  }

  /** Too much waits: no more requests are taken from sockets. */
  get isFull(): boolean {
    return this.#bytes >= this.#bytesMax;
  }

  add(waiter: Waiter, command: ReadCommand, args: Arguments | UncutRequest, locally = false): void {
    const bytes = weightOf(args);
    this.#bytes += bytes;
    if (!locally) this.#collectedBytes += bytes;
    (locally ? this.#local : this.#collecting).add(waiter, command, args, bytes);
  }

  /** What is collected shares one barrier. True: it waits for more to come, and another turn is wanted. */
  flush(): boolean {
    if (this.#local.length > 0) {
      // Local reads go by log time alone: a key that is due by the clock is seen until the log expires it.
      this.#runner.add(this.#local, 0, 0);
      this.#local = new ReadBatch(false);
    }
    const reads = this.#collecting.length;
    if (reads === 0) return false;
    if (!this.#gathering.mayLeave(this.#askedReads + reads, this.#collectedBytes)) return true;
    this.#asked.set(this.#barrier.request(false), this.#collecting);
    this.#askedReads += reads;
    this.#forgetCollected();
    return false;
  }

  /** The reads of this token, and of older ones whose answers are late or lost, run in the next `run`. */
  confirmed(token: number, index: number, clockMs: number): void {
    const ticked = this.#ticks.get(token);
    if (ticked !== undefined) {
      this.#ticks.delete(token);
      this.#runner.add(ticked, index, clockMs);
    }
    if (!this.#asked.has(token)) return;
    for (const [asked, batch] of this.#asked) {
      if (asked > token) break;
      this.#asked.delete(asked);
      this.#askedReads -= batch.length;
      if (asked !== token) this.#barrier.forget(asked);
      this.#runner.add(batch, index, clockMs);
    }
  }

  /** Once per turn, after entries were applied. True: another turn is wanted. */
  run(): boolean {
    return this.#runner.run();
  }

  /** As `giveUp`, and no read is answered from this node's state either. */
  refuse(refusal: ErrorReply): void {
    this.giveUp(refusal);
    this.#runner.addRefused(this.#local, refusal);
    this.#local = new ReadBatch(false);
  }

  /** No leader for too long. A read has no effect, so the refusal is definite. */
  giveUp(refusal: ErrorReply = errors.clusterDown): void {
    for (const token of [...this.#ticks.keys(), ...this.#asked.keys()]) this.#barrier.forget(token);
    this.#runner.refuse(this.#ticks.values(), refusal);
    for (const batch of [...this.#asked.values(), this.#collecting]) {
      this.#runner.addRefused(batch, refusal);
    }
    this.#ticks.clear();
    this.#asked.clear();
    this.#askedReads = 0;
    this.#forgetCollected();
  }

  #forgetCollected(): void {
    this.#collecting = new ReadBatch(false);
    this.#collectedBytes = 0;
  }
}

/** Memory for each word besides its bytes, about. */
const wordBytes = 32;

function weightOf(args: Arguments | UncutRequest): number {
  if (args instanceof UncutRequest) return args.byteLength + wordBytes * args.words.length;
  let bytes = wordBytes * args.length;
  for (const text of args) bytes += text.length;
  return bytes;
}
