// A node at its memory limit, for seconds: what `npm run soak` does for half an hour.

import { expect, test } from "vitest";
import { refill, refillBytesMax } from "./refill.ts";
import { MiB } from "./requests.ts";
import { soak } from "./soak.ts";

test("under mixed load its process stays as large as it is, and a restart has the same keys", async () => {
  const report = await soak({ seconds: 20, seed: 1, megabytes: 64 });
  expect(report.faults).toEqual([]);
  expect(report.requests).toBeGreaterThan(10_000);
}, 240_000);

/** Beyond `refillBytesMax` as much as comes in while a busy machine writes a checkpoint of what was flushed. */
const busyBytesMax = refillBytesMax + 200 * MiB;

test("with 384 MB it is filled until it refuses, emptied and filled again, and stays small", async () => {
  const rounds = await refill({ rounds: 4, seed: 1 });
  expect(Math.max(...rounds.map(({ ownBytes }) => ownBytes))).toBeLessThan(busyBytesMax);
}, 240_000);
