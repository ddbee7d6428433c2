// DECRBY as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("DECRBY takes the amount away", () => {
  const session: Transcript = [
    ["set n 10", "+OK"],
    ["decrby n 3", 7],
    ["decrby n -3", 10],
  ];
  expect(play(session)).toEqual(session);
});

test("DECRBY refuses the one number that has no negative", () => {
  const session: Transcript = [
    ["decrby n -9223372036854775808", "-ERR decrement would overflow"],
    ["exists n", 0],
  ];
  expect(play(session)).toEqual(session);
});
