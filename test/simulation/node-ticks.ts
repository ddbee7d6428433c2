// The timer of one simulated node: consensus, transfers of snapshots and the space on its disk are looked after.

import { roomCheckMs, tickMs } from "../../src/constants.ts";
import type { NodeClock } from "./node-clock.ts";
import type { Running, SimulatedProcess } from "./parts.ts";

/** Transfers of snapshots are looked after this often. */
const snapshotTicks = 10;
const diskTicks = roomCheckMs / tickMs;

interface Ticking extends SimulatedProcess {
  readonly exists: boolean;
  readonly isPaused: boolean;
  readonly running: Running;
  readonly clock: NodeClock;
  event(act: () => void): void;
}

export class NodeTicks {
  readonly #node: Ticking;
  #ticks = 0;

  constructor(node: Ticking) {
    this.#node = node;
  }

  /** From now on, for as long as the present process exists. */
  begin(): void {
    const { world, clock, chance, incarnation } = this.#node;
    const every = Math.round((tickMs * 1000) / (1 + clock.drift));
    const tick = (): void => {
      if (!this.#node.exists || this.#node.incarnation !== incarnation) return;
      world.timeline.after(every, tick);
      // A timer that was due several times while the process stood still fires once.
      if (this.#node.isPaused) return;
      world.steps += 1;
      this.#node.event(this.#tick);
    };
    world.timeline.after(chance.below(every), tick);
  }

  readonly #tick = (): void => {
    const { replica, snapshots } = this.#node.running;
    const hadHandedOver = replica.driver.core.hasHandedOver;
    replica.tick();
    const { founders, nodes, fillsDisks } = this.#node.world.plan;
    // Where members stay the same nothing else begins a transfer in a tick.
    if (founders === nodes && !hadHandedOver && replica.driver.core.hasHandedOver) {
      this.#node.world.marks.met("wrong clock hands over");
    }
    this.#ticks += 1;
    if (this.#ticks % snapshotTicks === 0) snapshots.tick();
    if (fillsDisks && this.#ticks % diskTicks === 0) this.#checkDisk();
  };

  #checkDisk(): void {
    const { world, running } = this.#node;
    const { room, replica } = running;
    const { isLeader } = replica.driver;
    world.wantsDrain = true;
    room
      .check()
      .then(() => {
        const handsOver = isLeader && replica.driver.core.hasHandedOver;
        if (handsOver && room.isDiskLow) world.marks.met("full leader hands over");
      })
      .catch((error: unknown) => world.fail(error));
  }
}
