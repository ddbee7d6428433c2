// SIGSTOP: alive, connected, and silent, as in a stalled virtual machine; then on again, not knowing of it.

import { electionTicksMin, tickMs } from "../../../src/constants.ts";
import { pause as sleep } from "../cluster/until.ts";
import type { Fault } from "./fault.ts";
import { repeatedly } from "./repeat.ts";
import { aFollower, aMajority, everyNode, type Target, theLeader } from "./targets.ts";

const electionMs = electionTicksMin * tickMs;
/** From a hiccup that nobody notices to several elections without the node. */
const pauseMs: readonly [low: number, high: number] = [electionMs / 5, 5 * electionMs];

const pause = (name: string, whom: string, target: Target): Fault => ({
  name,
  family: "pause",
  summary: `SIGSTOP of ${whom} for 0.2 to 5 election timeouts, then SIGCONT`,
  needs: [],
  holdMs: pauseMs,
  async start(scene) {
    const victims = await target(scene);
    for (const node of victims) node.pause();
    return {
      victims,
      async heal() {
        for (const node of victims) node.resume();
      },
    };
  },
});

const stopMs = 90;
const goMs = 10;

const stutterLeader: Fault = {
  name: "stutter-leader",
  family: "pause",
  summary: `SIGSTOP of the leader for ${stopMs} of every ${stopMs + goMs} ms`,
  needs: [],
  async start(scene) {
    const victims = await theLeader(scene);
    const end = repeatedly(async () => {
      for (const node of victims) node.pause();
      await sleep(stopMs);
      for (const node of victims) node.resume();
      await sleep(goMs);
    });
    return { victims, heal: end };
  },
};

export const pauseFaults: readonly Fault[] = [
  pause("pause-follower", "a follower", aFollower),
  pause("pause-leader", "the leader", theLeader),
  pause("pause-majority", "a majority", aMajority),
  pause("pause-all", "all nodes", everyNode),
  stutterLeader,
];
