import { test } from "vitest";
import { noMarks, Simulation } from "../../support/raft-simulation.ts";
test("x", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const m = noMarks();
    const s = new Simulation(seed, m) as any;
    s.run(2000);
    process.stderr.write(`${seed} ${JSON.stringify(m)}\n`);
  }
});
