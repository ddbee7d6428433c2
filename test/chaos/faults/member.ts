// The cluster changes its members, or its leader, while clients go on.

import type { ChaosCluster } from "../cluster/cluster.ts";
import { question } from "../cluster/status.ts";
import { pause } from "../cluster/until.ts";
import type { Fault } from "./fault.ts";
import { repeatedly } from "./repeat.ts";
import { aFollower, type Target, theLeader } from "./targets.ts";

const replacement = (name: string, whom: string, target: Target): Fault => ({
  name,
  family: "member",
  summary: `${whom} is removed; a node with an empty disk joins in its place`,
  needs: [],
  async start(scene) {
    const { cluster } = scene;
    const victims = await target(scene);
    for (const node of victims) {
      const [through = node] = cluster.nodes.filter((each) => each !== node && each.running);
      await cluster.remove(node, through);
    }
    return {
      victims,
      async heal() {
        for (const node of victims) {
          await node.kill();
          node.wipe();
          await cluster.join(node);
        }
      },
    };
  },
});

const addition: Fault = {
  name: "add-and-remove",
  family: "member",
  summary: "one more node joins, votes, and is removed again",
  needs: [],
  async start({ cluster }) {
    const { spare } = cluster;
    await cluster.join(spare);
    return {
      victims: [],
      async heal() {
        await cluster.remove(spare, await cluster.leader());
        await spare.kill();
        spare.wipe();
      },
    };
  },
};

const transferEveryMs = 250;

const transfers: Fault = {
  name: "transfer-leader",
  family: "member",
  summary: `RAFT TRANSFER every ${transferEveryMs} ms`,
  needs: [],
  async start({ cluster }) {
    const end = repeatedly(async () => {
      await transfer(cluster);
      await pause(transferEveryMs);
    });
    return { victims: [], heal: end };
  },
};

async function transfer(cluster: ChaosCluster): Promise<void> {
  const leader = await cluster.leader();
  // Refused while the one before it is under way.
  await question(leader.address, ["RAFT", "TRANSFER"]).catch(() => undefined);
}

export const memberFaults: readonly Fault[] = [
  replacement("replace-follower", "a follower", aFollower),
  replacement("replace-leader", "the leader", theLeader),
  addition,
  transfers,
];
