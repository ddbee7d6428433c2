// INCR as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("INCR counts from zero", () => {
  const session: Transcript = [
    ["incr n", 1],
    ["incr n", 2],
    ["get n", "2"],
  ];
  expect(play(session)).toEqual(session);
});

test("INCR is exact beyond 2^53 and stops at the largest 64-bit integer", () => {
  const session: Transcript = [
    ["set n 9007199254740992", "+OK"],
    ["incr n", 9007199254740993n],
    ["set n 9223372036854775806", "+OK"],
    ["incr n", 9223372036854775807n],
    ["incr n", "-ERR increment or decrement would overflow"],
  ];
  expect(play(session)).toEqual(session);
});

test("INCR refuses what is not written as an integer", () => {
  const session: Transcript = [
    ['set n "1 "', "+OK"],
    ["incr n", "-ERR value is not an integer or out of range"],
  ];
  expect(play(session)).toEqual(session);
});
