// What is repeated while a fault holds lets everything else run as well.

import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { repeatedly } from "./repeat.ts";

test("rounds that find nothing to do leave the event loop to others", async () => {
  let rounds = 0;
  const end = repeatedly(async () => {
    rounds += 1;
  });
  await sleep(5);
  await end();
  expect(rounds).toBeGreaterThan(1);
});
