// SETEX as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("SETEX sets a value with its life in seconds", () => {
  const session: Transcript = [
    ["setex k 10 v", "+OK"],
    ["ttl k", 10],
    ["setex k -1 v", "-ERR invalid expire time in 'setex' command"],
  ];
  expect(play(session)).toEqual(session);
});
