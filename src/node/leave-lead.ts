// How a leader leaves: it hands over before it stops.

import { setTimeout as sleep } from "node:timers/promises";
import { electionTicksMin, tickMs } from "../constants.ts";
import type { Replica } from "./replica/replica.ts";

/** A successor has to be found within about two election timeouts, or the others elect one. */
const handOverMs = 2 * electionTicksMin * tickMs;

/** A leader that just stops would cost the others an election timeout. */
export async function leaveLead({ driver, membership }: Replica): Promise<void> {
  const successor = driver.isLeader ? membership.bestSuccessor() : null;
  if (successor === null || driver.transfer(successor) !== null) return;
  for (let waited = 0; waited < handOverMs && driver.isLeader; waited += tickMs) {
    await sleep(tickMs);
  }
}
