// What a single fault may cost: a thin link costs no election, and a disk that hangs costs one leadership, and soon.

import { electionTicksMin, tickMs } from "../../src/constants.ts";
import type { RaftCore } from "../../src/raft/core/core.ts";
import type { SimulatedProcess } from "./parts.ts";
import { ensure, type World } from "./world.ts";

/** The longest election timeout. */
const timeoutUs = 2 * electionTicksMin * tickMs * 1_000;
/** So long after the first election every node has heard of the leader. */
const settledUs = timeoutUs;
/** For a leader to notice that its disk hangs, to hand over, and for another one to be elected. */
const handOverTicks = 4 * 2 * electionTicksMin;

export class SteadyWatch {
  readonly #world: World;
  readonly #isThin: boolean;
  readonly #hangs: boolean;
  #firstLeaderAt = Number.POSITIVE_INFINITY;

  constructor(world: World) {
    this.#world = world;
    const { only } = world.plan;
    this.#isThin = only === "thin links";
    this.#hangs = only === "hung disk";
  }

  elected(term: number): void {
    const { now } = this.#world.timeline;
    this.#firstLeaderAt = Math.min(this.#firstLeaderAt, now);
    if (!this.#isThin || now > this.#world.plan.safetyUs) return;
    ensure(now <= this.#firstLeaderAt + settledUs, "16 steady leader", () => {
      return `links are thin, nothing else is wrong, and there is an election in term ${term}`;
    });
  }

  after(node: SimulatedProcess, core: RaftCore): void {
    if (!this.#hangs || core.role !== "leader") return;
    if (this.#world.timeline.now > this.#world.plan.safetyUs) return;
    // A leader that saves nothing, because nobody writes, cannot notice that its disk hangs, and no client suffers.
    ensure(core.savingTicks <= handOverTicks, "16 steady leader", () => {
      return `node ${node.id} leads, and its disk has not completed a save for ${core.savingTicks} ticks`;
    });
  }
}
