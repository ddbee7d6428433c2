// Reads of one turn, or of those that wait for the same thing, in the order of their arrival.

import type { Waiter } from "../../net/clients/waiter.ts";
import type { UncutRequest } from "../../resp/uncut-request.ts";
import type { ReadCommand } from "../../state/commands/spec.ts";
import type { Arguments } from "../../state/parse/arguments.ts";

/** Parallel arrays, because an object per read would cost more than many reads do. */
export class ReadBatch {
  readonly waiters: Waiter[] = [];
  readonly commands: ReadCommand[] = [];
  readonly args: (Arguments | UncutRequest)[] = [];
  /** What each weighs while it waits. */
  readonly bytes: number[] = [];
  /** These reads ran before and met a due key. Log time has been moved on since, so this time their answers are final. */
  readonly afterTick: boolean;
  /** Reads that came after one of this batch in their sessions: they run next after it. */
  behind: ReadBatch | null = null;
  /** Reads of one session that wait until it has read its replies. */
  readonly isParked: boolean;

  constructor(afterTick: boolean, isParked = false) {
    this.afterTick = afterTick;
    this.isParked = isParked;
  }

  get length(): number {
    return this.waiters.length;
  }

  /** The reads from a place on, in a batch of their own when that is worth the copy. */
  from(at: number): { readonly batch: ReadBatch; readonly at: number } {
    if (2 * at < this.length) return { batch: this, at };
    const batch = new ReadBatch(this.afterTick, this.isParked);
    for (let each = at; each < this.length; each++) {
      this.copy(each, batch);
    }
    return { batch, at: 0 };
  }

  /** The read at a place goes to another batch as well. */
  copy(at: number, to: ReadBatch): void {
    const [waiter, command, args] = [this.waiters[at], this.commands[at], this.args[at]];
    to.add(
      waiter as Waiter,
      command as ReadCommand,
      args as Arguments | UncutRequest,
      this.bytes[at] as number,
    );
  }

  add(waiter: Waiter, command: ReadCommand, args: Arguments | UncutRequest, bytes: number): void {
    this.waiters.push(waiter);
    this.commands.push(command);
    this.args.push(args);
    this.bytes.push(bytes);
  }
}
