// Power cuts: what was not synced never existed. The one fault that a missing fsync cannot survive.

import { brokenDiskCode, type ChaosNode } from "../cluster/node.ts";
import type { Fault } from "./fault.ts";
import { aFollower, aMajority, everyNode, type Target, theLeader } from "./targets.ts";

const powerCut = (name: string, whom: string, target: Target): Fault => ({
  name,
  family: "power",
  summary: `power cut of ${whom}: only what was synced is there after the restart`,
  needs: ["disks"],
  async start(scene) {
    const victims = await target(scene);
    await Promise.all(victims.map(losePower));
    return {
      victims,
      async heal() {
        await Promise.all(victims.map(async (node) => await node.place.disk?.mount()));
        for (const node of victims) node.start();
      },
    };
  },
});

/** The disk goes first: between the two moments the process must notice, and acknowledge nothing. */
async function losePower(node: ChaosNode): Promise<void> {
  node.mayEnd(brokenDiskCode);
  await node.place.disk?.cutPower();
  await node.kill();
  await node.place.disk?.unmount();
}

export const powerFaults: readonly Fault[] = [
  powerCut("power-cut-follower", "a follower", aFollower),
  powerCut("power-cut-leader", "the leader", theLeader),
  powerCut("power-cut-majority", "a majority at once", aMajority),
  powerCut("power-cut-all", "all nodes at once", everyNode),
];
