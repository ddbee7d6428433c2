// The clocks of one node: the wall clock, which is set and jumps, and one that only goes on; both drift.

import type { ClockPlan } from "./plan.ts";
import type { Timeline } from "./timeline.ts";

const epochMs = 1_700_000_000_000;

export class NodeClock {
  readonly drift: number;
  /** Added to the wall clock by jumps. */
  jumpedMs = 0;
  readonly #timeline: Timeline;
  readonly #skewMs: number;

  constructor(timeline: Timeline, { skewMs, drift }: ClockPlan = { skewMs: 0, drift: 0 }) {
    this.#timeline = timeline;
    this.#skewMs = skewMs;
    this.drift = drift;
  }

  get #passedMs(): number {
    return (this.#timeline.now * (1 + this.drift)) / 1000;
  }

  readonly nowMs = (): number =>
    Math.floor(epochMs + this.#passedMs + this.#skewMs + this.jumpedMs);

  readonly monotonicMs = (): number => Math.floor(this.#passedMs);
}
