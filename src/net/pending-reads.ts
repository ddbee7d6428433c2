// Reads of this node's clients: collected in a turn, behind one barrier, executed on this node.

import { errors } from "../resp/errors.ts";
import type { ErrorReply, Reply } from "../resp/reply.ts";
import type { Arguments } from "../state/arguments.ts";
import type { ReadCommand } from "../state/commands/spec.ts";
import type { Waiter } from "./pending-writes.ts";

/** Runs one read on the applied state. `due` true: it met a key that is due by the clock alone. */
export interface Reader {
  readonly appliedIndex: number;
  read(command: ReadCommand, database: number, args: Arguments, clockMs: number): Reply;
  readonly metDue: boolean;
}

/** The round trips to the leader: see ReadBarrier. */
export interface Barrier {
  request(tick: boolean): number;
  forget(token: number): void;
}

/** Parallel arrays, because an object per read would cost more than many reads do. */
class ReadBatch {
  readonly waiters: Waiter[] = [];
  readonly commands: ReadCommand[] = [];
  readonly args: Arguments[] = [];
  /** The second time round: log time has been moved, so what it says is the answer. */
  readonly afterTick: boolean;

  constructor(afterTick: boolean) {
    this.afterTick = afterTick;
  }

  add(waiter: Waiter, command: ReadCommand, args: Arguments): void {
    this.waiters.push(waiter);
    this.commands.push(command);
    this.args.push(args);
  }
}

interface Confirmed {
  readonly batch: ReadBatch;
  readonly index: number;
  readonly clockMs: number;
}

/** Invariant: a read runs only on a state that contains everything acknowledged before it arrived. */
export class PendingReads {
  readonly #reader: Reader;
  readonly #barrier: Barrier;
  #collecting = new ReadBatch(false);
  readonly #asked = new Map<number, ReadBatch>();
  /** Confirmed, but the state is not applied that far yet. */
  #early: Confirmed[] = [];

  constructor(reader: Reader, barrier: Barrier) {
    this.#reader = reader;
    this.#barrier = barrier;
  }

  add(waiter: Waiter, command: ReadCommand, args: Arguments): void {
    this.#collecting.add(waiter, command, args);
  }

  /** All reads of this turn share one barrier. */
  flush(): void {
    if (this.#collecting.waiters.length === 0) return;
    this.#asked.set(this.#barrier.request(false), this.#collecting);
    this.#collecting = new ReadBatch(false);
  }

  confirmed(token: number, index: number, clockMs: number): void {
    const batch = this.#asked.get(token);
    if (batch === undefined) return;
    this.#asked.delete(token);
    if (this.#reader.appliedIndex >= index) this.#run(batch, clockMs);
    else this.#early.push({ batch, index, clockMs });
  }

  /** The state has moved on: what waited for it runs. */
  applied(): void {
    if (this.#early.length === 0) return;
    const early = this.#early;
    this.#early = [];
    for (const each of early) {
      if (this.#reader.appliedIndex >= each.index) this.#run(each.batch, each.clockMs);
      else this.#early.push(each);
    }
  }

  /** No leader for too long. A read has no effect, so the refusal is definite. */
  giveUp(refusal: ErrorReply = errors.clusterDown): void {
    const batches = [...this.#asked.values(), this.#collecting];
    for (const token of this.#asked.keys()) this.#barrier.forget(token);
    this.#asked.clear();
    this.#collecting = new ReadBatch(false);
    for (const batch of batches) {
      for (const waiter of batch.waiters) waiter.reply(refusal);
    }
  }

  #run(batch: ReadBatch, clockMs: number): void {
    const due = new ReadBatch(true);
    const held = new Set<Waiter>();
    for (let at = 0; at < batch.waiters.length; at++) {
      const waiter = batch.waiters[at] as Waiter;
      const command = batch.commands[at] as ReadCommand;
      const args = batch.args[at] as Arguments;
      // Once one of a session's reads has to wait for a tick, its later ones wait too: order.
      if (held.size > 0 && held.has(waiter)) {
        due.add(waiter, command, args);
        continue;
      }
      const reply = this.#reader.read(command, waiter.database, args, clockMs);
      if (this.#reader.metDue && !batch.afterTick) {
        held.add(waiter);
        due.add(waiter, command, args);
      } else waiter.reply(reply);
    }
    if (held.size > 0) this.#asked.set(this.#barrier.request(true), due);
  }
}
