// DECR as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("DECR counts down from zero, and below", () => {
  const session: Transcript = [
    ["decr n", -1],
    ["decr n", -2],
  ];
  expect(play(session)).toEqual(session);
});

test("DECR stops at the smallest 64-bit integer", () => {
  const session: Transcript = [
    ["set n -9223372036854775807", "+OK"],
    ["decr n", -9223372036854775808n],
    ["decr n", "-ERR increment or decrement would overflow"],
    ["get n", "-9223372036854775808"],
  ];
  expect(play(session)).toEqual(session);
});
