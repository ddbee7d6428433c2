// Reads of one turn, or of those that wait for the same thing, in the order of their arrival.

import type { Waiter } from "../../net/clients/waiter.ts";
import type { ReadCommand } from "../../state/commands/spec.ts";
import type { Arguments } from "../../state/parse/arguments.ts";

/** Parallel arrays, because an object per read would cost more than many reads do. */
export class ReadBatch {
  readonly waiters: Waiter[] = [];
  readonly commands: ReadCommand[] = [];
  readonly args: Arguments[] = [];
  /** These reads ran before and met a due key. Log time has been moved on since, so this time their answers are final. */
  readonly afterTick: boolean;
  /** Reads that came after one of this batch in their sessions: they run next after it. */
  behind: ReadBatch | null = null;

  constructor(afterTick: boolean) {
    this.afterTick = afterTick;
  }

  get length(): number {
    return this.waiters.length;
  }

  add(waiter: Waiter, command: ReadCommand, args: Arguments): void {
    this.waiters.push(waiter);
    this.commands.push(command);
    this.args.push(args);
  }
}
