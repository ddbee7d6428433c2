// Runs confirmed reads on this node's state, one after the other, and pauses a long one.

import { readSliceMs, smallReplyBytes } from "../../constants.ts";
import type { Waiter } from "../../net/clients/waiter.ts";
import { costOf, ErrorReply, type Reply } from "../../resp/reply.ts";
import { UncutRequest } from "../../resp/uncut-request.ts";
import { isSliced, type SlicedReply } from "../../state/commands/sliced.ts";
import type { ReadCommand } from "../../state/commands/spec.ts";
import type { Machine } from "../../state/execution/machine.ts";
import type { Arguments } from "../../state/parse/arguments.ts";
import { Fifo } from "./fifo.ts";
import { ReadBatch } from "./read-batch.ts";

/** The applied state. `metDue` true: the last read met a key that is due by the clock alone. */
export interface Reader {
  readonly appliedIndex: number;
  read(
    command: ReadCommand,
    database: number,
    args: Arguments,
    clockMs: number,
    touches: boolean,
  ): Reply | SlicedReply;
  readonly metDue: boolean;
  /** What reads have cost since the last call, beside themselves: see Keyspace.cost. */
  takeCost(): number;
}

/** `random` is this node's own, because reads change no state. */
export function readerOf(machine: Machine, random: () => number): Reader {
  return {
    get appliedIndex(): number {
      return machine.appliedIndex;
    },
    get metDue(): boolean {
      return machine.metDue;
    },
    takeCost: () => machine.takeCost(),
    // biome-ignore lint/complexity/useMaxParams: runs for every read; an object would cost as much.
    read: (command, database, args, clockMs, touches) =>
      machine.read(command, database, args, clockMs, random, touches),
  };
}

export interface RunnerPorts {
  readonly reader: Reader;
  /** A clock that only ever goes forward, in ms. */
  readonly monotonicMs: () => number;
  /** These reads have to run again after a tick. */
  readonly tick: (batch: ReadBatch) => void;
  /** A read is answered, or its client is gone. */
  readonly ended: (bytes: number) => void;
}

type Outcome = { readonly index: number; readonly clockMs: number } | ErrorReply;

/** A batch that may run once the state is applied up to `index`; a refusal needs no state. */
interface Confirmed {
  readonly batch: ReadBatch;
  readonly outcome: Outcome;
}

/** Reads of one session, from place `at` on, that wait until it has read its replies. */
interface Parked {
  readonly batch: ReadBatch;
  readonly at: number;
  /** The latest of all: the others may see a later state as well. A refusal concerns all of them. */
  outcome: Outcome;
  /** The first of them has a large reply, and the replies of all sessions leave no room for it. */
  readonly isLarge: boolean;
}

/** So many quick reads cost far less than a slice: the clock is looked at only after them, or after fewer of long values. */
const readsPerLook = 16;
const nothing: Arguments = [];

/**
 * A read is one atomic step although it may take many turns of the event loop: while one is paused
 * (`isPaused`) no entry is applied and no other read runs. Consensus goes on meanwhile.
 *
 * Invariant: batches run in the order in which they were added, so a session's replies keep theirs; a
 * session's read that has to wait, for a tick or until it has read its replies, makes its later ones wait behind it.
 * A session's parked reads are older than all others of its reads that are here.
 */
export class ReadRunner {
  readonly #ports: RunnerPorts;
  readonly #queue = new Fifo<Confirmed>();
  /** The batch at work, the place of its next read, and that read when it is paused. */
  #head: Confirmed | null = null;
  #at = 0;
  #paused: SlicedReply | null = null;
  /** Reads of the batch at work that need a tick first. */
  #due = new ReadBatch(true);
  /** Sessions with a read that waits for a tick, and the batch in which it waits. */
  readonly #held = new Map<Waiter, ReadBatch>();
  readonly #parked = new Map<Waiter, Parked>();
  /** Parked reads and the queue take turns. */
  #isParkedNext = false;

  constructor(ports: RunnerPorts) {
    this.#ports = ports;
  }

  /** The state has to stand still. */
  get isPaused(): boolean {
    return this.#paused !== null;
  }

  /** A batch is at work, or the state is applied as far as the next one needs it. Parked reads can wait. */
  get isReady(): boolean {
    if (this.#head !== null) return true;
    const next = this.#queue.first();
    return next !== undefined && this.#mayRun(next.outcome);
  }

  add(batch: ReadBatch, index: number, clockMs: number): void {
    this.#queue.push({ batch, outcome: { index, clockMs } });
  }

  /** Refuses what has not begun, and these batches, which waited for a tick. The one at work goes on. */
  refuse(due: Iterable<ReadBatch>, refusal: ErrorReply): void {
    const waiting = [...this.#queue].map(({ batch }) => batch);
    while (this.#queue.length > 0) this.#queue.shift();
    for (const batch of [...due, ...waiting]) this.addRefused(batch, refusal);
  }

  addRefused(batch: ReadBatch, refusal: ErrorReply): void {
    this.#queue.push({ batch, outcome: refusal });
  }

  /**
   * Runs what can run, for about `readSliceMs`. True: there is more to do, in another turn. A long read ends the
   * turn, so that the entries that waited for it are applied before the next read.
   */
  run(): boolean {
    if (!this.#takeHead()) return false;
    const { monotonicMs, reader } = this.#ports;
    const untilMs = monotonicMs() + readSliceMs;
    reader.takeCost();
    for (let sinceLook = 0; this.#takeHead(); ) {
      const wasPaused = this.isPaused;
      if (!this.#runNext(untilMs) || wasPaused) return true;
      sinceLook += 1 + reader.takeCost();
      if (sinceLook < readsPerLook) continue;
      if (monotonicMs() >= untilMs) return true;
      sinceLook = 0;
    }
    return false;
  }

  /** Makes `#head` a batch with a read that can run now. False: there is none. */
  #takeHead(): boolean {
    for (;;) {
      const head = this.#head;
      if (head !== null && this.#at < head.batch.length) return true;
      if (head !== null) this.#endBatch(head);
      if (this.#head !== null) continue;
      this.#isParkedNext = !this.#isParkedNext;
      const isTaken = this.#isParkedNext
        ? this.#takeParked() || this.#takeQueued()
        : this.#takeQueued() || this.#takeParked();
      if (!isTaken) return false;
    }
  }

  #takeQueued(): boolean {
    const next = this.#queue.first();
    if (next === undefined) return false;
    if (!this.#mayRun(next.outcome)) return false;
    this.#head = this.#queue.shift();
    return true;
  }

  #mayRun(outcome: Outcome): boolean {
    return outcome instanceof ErrorReply || this.#ports.reader.appliedIndex >= outcome.index;
  }

  /** Those who have waited longest come first. */
  #takeParked(): boolean {
    for (const [waiter, parked] of this.#parked) {
      if (!isReady(waiter, parked)) continue;
      this.#parked.delete(waiter);
      this.#head = parked;
      this.#at = parked.at;
      return true;
    }
    return false;
  }

  #endBatch({ batch, outcome }: Confirmed): void {
    if (batch.afterTick) for (const waiter of batch.waiters) this.#held.delete(waiter);
    if (this.#due.length > 0) {
      this.#ports.tick(this.#due);
      this.#due = new ReadBatch(true);
    }
    this.#at = 0;
    this.#head = batch.behind === null ? null : { batch: batch.behind, outcome };
  }

  /** False: the time is over, and the read is paused, or its words are not all cut. */
  #runNext(untilMs: number): boolean {
    const { batch, outcome } = this.#head as Confirmed;
    const waiter = batch.waiters[this.#at] as Waiter;
    const before = this.#held.size === 0 ? undefined : this.#held.get(waiter);
    const parked = this.#parked.size === 0 ? undefined : this.#parked.get(waiter);
    if (waiter.isGone) this.#drop();
    else if (this.#paused !== null) return this.#goOn(this.#paused, untilMs);
    else if (parked !== undefined) this.#parkBehind(parked);
    else if (before !== undefined && before !== batch) this.#waitBehind(before);
    else if (outcome instanceof ErrorReply) this.#reply(outcome);
    else if (waiter.isFull) this.#park(false);
    else {
      const command = batch.commands[this.#at] as ReadCommand;
      const args = this.#cut(untilMs);
      if (args === null) return false;
      const { reader } = this.#ports;
      const answer = reader.read(command, waiter.database, args, outcome.clockMs, !waiter.noTouch);
      if (isSliced(answer)) return this.#goOn(answer, untilMs);
      this.#answer(answer);
    }
    return true;
  }

  /** The words of the current read. Null: the time is over, and it was not enough to cut them all. */
  #cut(untilMs: number): Arguments | null {
    const { batch } = this.#head as Confirmed;
    const args = batch.args[this.#at] as Arguments | UncutRequest;
    if (!(args instanceof UncutRequest)) return args;
    while (!args.cutSome()) if (this.#ports.monotonicMs() >= untilMs) return null;
    batch.args[this.#at] = args.words;
    return args.words;
  }

  /** As many steps as there is time for, at least one. */
  #goOn(steps: SlicedReply, untilMs: number): boolean {
    do {
      const step = steps.next();
      if (step.done === true) {
        this.#paused = null;
        this.#answer(step.value);
        return true;
      }
      this.#paused = steps;
      if (this.#needsTick) {
        this.#abandon();
        this.#hold();
        return true;
      }
    } while (this.#ports.monotonicMs() < untilMs);
    return false;
  }

  #answer(reply: Reply): void {
    if (this.#needsTick) this.#hold();
    else if (this.#lacksRoom(reply)) this.#park(true);
    else this.#reply(reply);
  }

  /** A read has no effect, so it may run again when there is room. */
  #lacksRoom(reply: Reply): boolean {
    const waiter = (this.#head as Confirmed).batch.waiters[this.#at] as Waiter;
    return waiter.isCrowded && costOf(reply) > smallReplyBytes;
  }

  #reply(reply: Reply): void {
    const { batch } = this.#head as Confirmed;
    (batch.waiters[this.#at] as Waiter).reply(reply);
    this.#end();
  }

  /** Drops the current read, whose client is gone; the state may move on. */
  #drop(): void {
    this.#abandon();
    this.#end();
  }

  #end(): void {
    const { batch } = this.#head as Confirmed;
    this.#ports.ended(batch.bytes[this.#at] as number);
    // A batch that is parked again and again may live long.
    if (batch.isParked) batch.args[this.#at] = nothing;
    this.#at++;
  }

  get #needsTick(): boolean {
    return this.#ports.reader.metDue && !(this.#head as Confirmed).batch.afterTick;
  }

  /** The read and the later ones of its session wait for a tick. */
  #hold(): void {
    const { batch } = this.#head as Confirmed;
    this.#held.set(batch.waiters[this.#at] as Waiter, this.#due);
    this.#moveTo(this.#due);
  }

  /** The current read waits until its session has read its replies; so do its later ones. */
  #park(isLarge: boolean): void {
    const { batch, outcome } = this.#head as Confirmed;
    const waiter = batch.waiters[this.#at] as Waiter;
    if (batch.isParked) {
      this.#parked.set(waiter, { ...batch.from(this.#at), outcome, isLarge });
      this.#at = batch.length;
      return;
    }
    const parked = { batch: new ReadBatch(false, true), at: 0, outcome, isLarge };
    this.#parked.set(waiter, parked);
    this.#moveTo(parked.batch);
  }

  #parkBehind(parked: Parked): void {
    const { outcome } = this.#head as Confirmed;
    if (!(parked.outcome instanceof ErrorReply)) parked.outcome = outcome;
    this.#moveTo(parked.batch);
  }

  #moveTo(other: ReadBatch): void {
    const { batch } = this.#head as Confirmed;
    batch.copy(this.#at++, other);
  }

  /** An earlier read of the same session waits in `before`, so this one waits behind it. */
  #waitBehind(before: ReadBatch): void {
    before.behind ??= new ReadBatch(false);
    this.#moveTo(before.behind);
  }

  /** Ends a paused read without an answer. */
  #abandon(): void {
    this.#paused?.return(null);
    this.#paused = null;
  }
}

function isReady(waiter: Waiter, { outcome, isLarge }: Parked): boolean {
  if (waiter.isGone || outcome instanceof ErrorReply) return true;
  return !waiter.isFull && !(isLarge && waiter.isCrowded);
}
