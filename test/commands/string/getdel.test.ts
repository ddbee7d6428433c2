// GETDEL as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("GETDEL answers the value and removes the key", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["getdel k", "v"],
    ["exists k", 0],
    ["getdel k", null],
  ];
  expect(play(session)).toEqual(session);
});
