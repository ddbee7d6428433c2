// The loss of a leader in three ways, on real processes: seconds of what `npm run chaos` does for hours.

import { expect, test } from "vitest";
import { sortOut } from "./campaign.ts";
import { selectFaults } from "./faults/catalogue.ts";
import { exitOnSignals } from "./machine/cleanup.ts";
import { runChaos } from "./run/chaos-run.ts";
import { complaints, isGood } from "./run/report.ts";

const { possible, unavailable } = sortOut(selectFaults("kill-leader,pause-leader,isolate-leader"));
for (const { fault, reason } of unavailable) {
  process.stderr.write(`not available: ${fault} (${reason})\n`);
}
exitOnSignals();

/** Beyond every election, so that the old leader comes back to a new one. */
const holdMs = 2_500;

test.each(possible)(
  "$name: nothing acknowledged is lost, no read is stale, no other client sees an error",
  async (fault) => {
    const result = await runChaos({
      name: fault.name,
      faults: [{ ...fault, holdMs: [holdMs, holdMs] }],
      nodes: 3,
      seconds: 5,
      cyclesMax: 1,
      seed: 1,
    });
    expect(complaints(result)).toBe("");
    expect(isGood(result)).toBe(true);
    const [cycle] = result.cycles;
    expect(cycle?.victims).toHaveLength(1);
    expect(cycle?.terms).toBeGreaterThan(0); // The fault was felt: somebody else was elected.
    expect(Math.max(...result.gapsMs)).toBeLessThan(holdMs); // And before it was healed.
  },
  60_000,
);
