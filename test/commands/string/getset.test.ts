// GETSET as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("GETSET answers the old value and drops the expiry", () => {
  const session: Transcript = [
    ["set k old ex 100", "+OK"],
    ["getset k new", "old"],
    ["ttl k", -1],
    ["get k", "new"],
  ];
  expect(play(session)).toEqual(session);
});
