// What all parts of one simulated cluster share.

import type { Marks } from "./marks.ts";
import type { Plan } from "./plan.ts";
import type { Timeline } from "./timeline.ts";
import type { Trace } from "./trace.ts";

export interface World {
  readonly plan: Plan;
  readonly timeline: Timeline;
  readonly trace: Trace;
  readonly marks: Marks;
  /** Microtasks may have work: they run before the next event, so that promises keep virtual time. */
  wantsDrain: boolean;
  /** Questions about members that are open: promises go on after every step. */
  questions: number;
  /** Events handled: frames delivered, completions of disks, ticks, requests of clients. */
  steps: number;
  /** Ends the run: something went wrong where nobody catches it. */
  fail(error: unknown): void;
}

/** An invariant that does not hold: a bug in the program, or in the simulation. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: string;

  constructor(invariant: string, what: string, options?: ErrorOptions) {
    super(`${invariant}: ${what}`, options);
    this.invariant = invariant;
  }
}

export function ensure(holds: boolean, invariant: string, what: () => string): asserts holds {
  if (!holds) throw new Violation(invariant, what());
}
