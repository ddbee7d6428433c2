// Log time against true time: it goes at 0.95 to 1.05 of it, and steps only over what a majority's clocks say.

import { clockDriftMs, logTimeDraw } from "../../src/constants.ts";
import { majority, reachedByMajority } from "../../src/raft/core/quorum.ts";
import type { Entry } from "../../src/raft/core/types.ts";
import { headerBytes, readHeader } from "../../src/state/execution/proposal.ts";
import type { SimulatedProcess } from "./parts.ts";
import { ensure, type World } from "./world.ts";

/** Clocks of the plan go faster or slower than true time by at most this share. */
const driftMax = 0.1;
const fastest = (1 + driftMax) * (1 + logTimeDraw);
/** Stamps and clocks are whole milliseconds. */
const roundingMs = 3;
/** At the end of a run: how late the last stamp, and the words about clocks that it stands on, may be. */
const latenessMs = 20_000;

/** An upper bound of what others may believe of a node's clock. */
interface Line {
  readonly wallMs: () => number;
  timeMs: number;
  at: number;
}

export class TimeWatch {
  readonly #world: World;
  readonly #lines = new Map<number, Line>();
  /** The furthest that log time can have come by itself since its newest step. */
  #own = Number.NEGATIVE_INFINITY;
  #ownAt = 0;
  #newest = 0;

  constructor(world: World) {
    this.#world = world;
  }

  opened({ id, nowMs }: SimulatedProcess): void {
    if (this.#lines.has(id)) return;
    this.#lines.set(id, { wallMs: nowMs, timeMs: nowMs(), at: this.#world.timeline.now });
  }

  /**
   * Called after every step: notes where each clock stands. What a clock said before it was put back is believed for
   * a while.
   */
  after(): void {
    const { now } = this.#world.timeline;
    for (const line of this.#lines.values()) {
      const passedMs = ((now - line.at) / 1000) * (1 + driftMax);
      line.timeMs = Math.max(line.timeMs + passedMs, line.wallMs());
      line.at = now;
    }
  }

  committed(entries: readonly Entry[]): void {
    this.after();
    const { now } = this.#world.timeline;
    this.#own += ((now - this.#ownAt) / 1000) * fastest;
    this.#ownAt = now;
    for (const { kind, data, index } of entries) {
      if (kind !== "data" || data.length < headerBytes) continue;
      this.#stamped(readHeader(data).timeMs, index);
    }
  }

  #stamped(timeMs: number, index: number): void {
    const { marks } = this.#world;
    const justified = this.#latestOfMajority;
    ensure(timeMs <= Math.max(this.#own, justified) + roundingMs, "13 log time", () => {
      const aheadMs = timeMs - Math.max(this.#own, justified);
      return `entry ${index} is stamped ${aheadMs} ms later than time and a majority of clocks allow`;
    });
    if (this.#newest > 0 && timeMs > this.#own) marks.met("log time stepped with most clocks");
    this.#own = Math.max(this.#own, timeMs);
    this.#newest = Math.max(this.#newest, timeMs);
  }

  /** The nodes in `standing` are up and have just written. */
  ends(standing: readonly SimulatedProcess[]): void {
    const { founders, nodes } = this.#world.plan;
    if (founders < nodes) return;
    const says = standing.map(({ nowMs }) => nowMs()).toSorted((a, b) => b - a);
    const atLeast = says[majority(founders) - 1] ?? Number.NEGATIVE_INFINITY;
    ensure(this.#newest >= atLeast - clockDriftMs - latenessMs, "13 log time", () => {
      return `log time stands ${atLeast - this.#newest} ms behind what a majority's clocks say`;
    });
  }

  /** Where members change, this watch does not know who votes: then any clock may have been part of a majority. */
  get #latestOfMajority(): number {
    const { founders, nodes } = this.#world.plan;
    const times = [...this.#lines.values()].map(({ timeMs }) => timeMs);
    if (founders < nodes) return Math.max(...times);
    // A node that was never up has told nobody its clock.
    while (times.length < founders) times.push(Number.NEGATIVE_INFINITY);
    return reachedByMajority(times);
  }
}
