// SUBSTR as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("SUBSTR is the older name of GETRANGE", () => {
  const session: Transcript = [
    ["set k abcdef", "+OK"],
    ["substr k 1 -2", "bcde"],
  ];
  expect(play(session)).toEqual(session);
});
