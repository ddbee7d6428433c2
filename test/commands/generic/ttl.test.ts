// TTL as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("TTL rounds to the nearest second", () => {
  const session: Transcript = [
    ["set k v px 1499", "+OK"],
    ["ttl k", 1],
    ["pexpire k 1500", 1],
    ["ttl k", 2],
    ["ttl none", -2],
    ["persist k", 1],
    ["ttl k", -1],
  ];
  expect(play(session)).toEqual(session);
});
