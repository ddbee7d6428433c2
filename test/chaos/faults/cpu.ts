// A processor that others use up.

import { limitCpu } from "../machine/cpu-limit.ts";
import type { Fault } from "./fault.ts";
import { everyNode, type Target, theLeader } from "./targets.ts";

const share = 0.05;

const starvation = (name: string, whom: string, target: Target): Fault => ({
  name,
  family: "cpu",
  summary: `${whom} may use ${share * 100} % of one processor`,
  needs: ["cpu"],
  async start(scene) {
    const starved = await target(scene);
    const lift = starved.map((node) => limitCpu(node.pid, share));
    return {
      victims: [],
      async heal() {
        for (const each of lift) each();
      },
    };
  },
});

export const cpuFaults: readonly Fault[] = [
  starvation("starve-leader", "the leader", theLeader),
  starvation("starve-all", "each node", everyNode),
];
