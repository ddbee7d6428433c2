// MGET as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("MGET answers a value or null for each key", () => {
  const session: Transcript = [
    ["mset a 1 b 2", "+OK"],
    ["mget a none b a", ["1", null, "2", "1"]],
  ];
  expect(play(session)).toEqual(session);
});
