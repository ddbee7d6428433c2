// PSETEX as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("PSETEX sets a value with its life in milliseconds", () => {
  const session: Transcript = [
    ["psetex k 1500 v", "+OK"],
    ["pttl k", 1500],
    ["psetex k 0 v", "-ERR invalid expire time in 'psetex' command"],
  ];
  expect(play(session)).toEqual(session);
});
