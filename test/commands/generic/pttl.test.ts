// PTTL as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("PTTL answers what is left in milliseconds", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["pttl k", -1],
    ["pttl none", -2],
    ["pexpire k 1234", 1],
    ["pttl k", 1234],
    ["pexpireat k 9223372036854775807", 1],
    ["pttl k", 9223370336854775807n],
  ];
  expect(play(session)).toEqual(session);
});
