// Wall clocks that jump. Only the expiry of keys looks at them, and only through the log.

import type { ChaosNode } from "../cluster/node.ts";
import { question } from "../cluster/status.ts";
import type { Fault } from "./fault.ts";
import { aFollower, everyNode, type Target, theLeader } from "./targets.ts";

export const clockJumpSeconds = 3_600;

const clockJump = (name: string, whom: string, target: Target): Fault => ({
  name,
  family: "clock",
  summary: `the wall clock of ${whom} jumps by an hour, forward or back, and returns later`,
  needs: ["clocks"],
  async start(scene) {
    const shifted = await target(scene);
    for (const node of shifted) {
      const seconds = scene.random.pick([clockJumpSeconds, -clockJumpSeconds]);
      node.place.clock?.shift(seconds);
      await hasJumped(node, seconds);
    }
    return {
      victims: [],
      async heal() {
        for (const node of shifted) node.place.clock?.shift(0);
      },
    };
  },
});

/**
 * A jump that the process does not see proves nothing. Its uptime tells: by the wall clock, and never below
 * zero; it had been up for seconds.
 */
async function hasJumped({ address, slot }: ChaosNode, seconds: number): Promise<void> {
  const info = String(await question(address, ["INFO", "server"]));
  const uptime = Number(/^uptime_in_seconds:(\d+)\r$/m.exec(info)?.[1]);
  const isSeen = seconds > 0 ? uptime >= seconds : uptime === 0;
  if (!isSeen) throw new Error(`the clock of node ${slot} did not jump by ${seconds} s`);
}

export const clockFaults: readonly Fault[] = [
  clockJump("clock-follower", "a follower", aFollower),
  clockJump("clock-leader", "the leader", theLeader),
  clockJump("clock-all", "each node, on its own,", everyNode),
];
