// PEXPIRE as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("PEXPIRE takes milliseconds", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["pexpire k 1500", 1],
    ["pttl k", 1500],
    ["ttl k", 2],
  ];
  expect(play(session)).toEqual(session);
});
