// Stories that a reviewer can read; `vitest -u` writes their output again, and the diff is the review.

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { play } from "../../support/raft-scenario.ts";

const folder = new URL("./scenarios/", import.meta.url);

for (const name of readdirSync(folder).toSorted()) {
  test(name, async () => {
    const path = new URL(name, folder);
    await expect(play(readFileSync(path, "utf8"))).toMatchFileSnapshot(path.pathname);
  });
}
