// Planted bugs: each must be found, by the invariant that is there for it.

import { describe, expect, test } from "vitest";
import { baits } from "./bait.ts";
import { drawPlan } from "./plan.ts";
import { simulate } from "./simulation.ts";

const seedsMax = 60;

describe("a planted bug is found", () => {
  for (const [name, { bait, breaks }] of Object.entries(baits)) {
    test(name, { timeout: 120_000 }, async () => {
      let invariant: string | undefined;
      for (let seed = 1; seed <= seedsMax && invariant === undefined; seed += 1) {
        const { violation } = await simulate(drawPlan(seed), { bait });
        invariant = violation?.invariant;
      }
      expect(
        breaks.some((each) => invariant?.startsWith(each)),
        `found by ${invariant}`,
      ).toBe(true);
    });
  }
});
