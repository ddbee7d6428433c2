// Whole clusters under chaos, and their recovery: the first half of the seeds.

import { expect, test } from "vitest";
import { runHalf } from "./share.ts";

test("every promise is kept over the odd seeds", { timeout: 600_000 }, async () => {
  expect((await runHalf(0)).steps).toBeGreaterThan(0);
});
