// kill -9, and a start on the same directory. A crash of the process alone: what it wrote is in the page cache.

import { injectAtLogWrites } from "../machine/tracer.ts";
import type { Fault } from "./fault.ts";
import { aFollower, aMajority, everyNode, type Target, theLeader } from "./targets.ts";

const kill = (name: string, whom: string, target: Target): Fault => ({
  name,
  family: "kill",
  summary: `kill -9 of ${whom}`,
  needs: [],
  async start(scene) {
    const victims = await target(scene);
    await Promise.all(victims.map((node) => node.kill()));
    return {
      victims,
      async heal() {
        for (const node of victims) node.start();
      },
    };
  },
});

/** Calls are counted per thread, and libuv has four of them for files. */
const writesBeforeCrash: readonly [low: number, high: number] = [1, 30];

const crash = (name: string, whom: string, target: Target): Fault => ({
  name,
  family: "crash",
  summary: `SIGKILL of ${whom} in the middle of a write of the log`,
  needs: ["tracing"],
  async start(scene) {
    const victims = await target(scene);
    const at = scene.random.between(...writesBeforeCrash);
    const detach = await Promise.all(
      victims.map((node) => {
        node.mayEnd("SIGKILL");
        return injectAtLogWrites(node.pid, `signal=SIGKILL:when=${at}`);
      }),
    );
    return {
      victims,
      async heal() {
        await Promise.all(detach.map((each) => each()));
        for (const node of victims) {
          await node.kill(); // Unless the write never came.
          node.start();
        }
      },
    };
  },
});

export const killFaults: readonly Fault[] = [
  kill("kill-follower", "a follower", aFollower),
  kill("kill-leader", "the leader", theLeader),
  kill("kill-majority", "a majority at once", aMajority),
  kill("kill-all", "all nodes at once", everyNode),
  crash("crash-follower", "a follower", aFollower),
  crash("crash-leader", "the leader", theLeader),
];
