// Whole clusters under chaos, and their recovery: the second half of the seeds.

import { expect, test } from "vitest";
import { runHalf } from "./share.ts";

test("every promise is kept over the even seeds", { timeout: 600_000 }, async () => {
  expect((await runHalf(1)).steps).toBeGreaterThan(0);
});
