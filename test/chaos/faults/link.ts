// Links that carry little: a token bucket in each direction, a queue of 100 ms, what is beyond is lost.

import { question } from "../cluster/status.ts";
import type { Fault } from "./fault.ts";
import { repeatedly } from "./repeat.ts";
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

const MB = 1_000_000;
/** For the answer to a large value. */
const largeMs = 20_000;
const thinBytesPerSecond = 12.5 * MB;
const largeBytes = [4, 16, 32].map((mebibytes) => mebibytes * 1024 * 1024);

const thinLink: Fault = {
  name: "thin-link",
  family: "link",
  summary: `links between nodes carry ${thinBytesPerSecond / MB} MB/s, and values of up to 32 MiB are written`,
  needs: ["proxies"],
  holdMs: [3_000, 6_000],
  async start({ cluster, random }) {
    cluster.throttle(thinBytesPerSecond);
    const through = random.pick(cluster.nodes);
    const end = repeatedly(async (isOver) => {
      if (isOver()) return;
      const value = "x".repeat(random.pick(largeBytes));
      await question(through.address, ["SET", "large", value], largeMs).catch(() => undefined);
    });
    // Nobody has failed: no client may see an error.
    return {
      victims: [],
      async heal() {
        cluster.throttle(null);
        await end();
      },
    };
  },
};

export const linkFaults: readonly Fault[] = [
  slowLink("slow-link-follower", "a follower", aFollower),
  slowLink("slow-link-leader", "the leader", theLeader),
  thinLink,
];
