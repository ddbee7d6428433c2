// EXPIREAT as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("EXPIREAT takes a Unix time in seconds", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["expireat k 1700000100", 1],
    ["ttl k", 100],
    ["expireat k 1", 1],
    ["exists k", 0],
  ];
  expect(play(session)).toEqual(session);
});
