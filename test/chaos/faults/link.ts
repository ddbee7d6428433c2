// Links that carry little: a token bucket in each direction, a queue of 100 ms, what is beyond is lost.

import type { Fault } from "./fault.ts";
import { aFollower, type Target, theLeader } from "./targets.ts";

/** A fraction of what replication and clients need. */
const kilobitsPerSecond = 400;

const slowLink = (name: string, whom: string, target: Target): Fault => ({
  name,
  family: "link",
  summary: `everything that ${whom} sends and receives passes at ${kilobitsPerSecond} kbit/s`,
  needs: ["namespaces", "shaping"],
  async start(scene) {
    const { network } = scene.cluster;
    const victims = await target(scene);
    for (const { slot } of victims) await network.limit(slot, kilobitsPerSecond);
    return {
      victims,
      async heal() {
        for (const { slot } of victims) await network.limit(slot, null);
      },
    };
  },
});

export const linkFaults: readonly Fault[] = [
  slowLink("slow-link-follower", "a follower", aFollower),
  slowLink("slow-link-leader", "the leader", theLeader),
];
