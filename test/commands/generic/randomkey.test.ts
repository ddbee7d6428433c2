// RANDOMKEY as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("RANDOMKEY answers the only key, or null", () => {
  const session: Transcript = [
    ["randomkey", null],
    ["set k v", "+OK"],
    ["randomkey", "k"],
  ];
  expect(play(session)).toEqual(session);
});
