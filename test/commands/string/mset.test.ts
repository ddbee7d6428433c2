// MSET as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("MSET writes in order, so the last value of a key stays", () => {
  const session: Transcript = [
    ["mset a 1 b 2 a 3", "+OK"],
    ["mget a b", ["3", "2"]],
  ];
  expect(play(session)).toEqual(session);
});

test("MSET refuses a key without a value and writes nothing", () => {
  const session: Transcript = [
    ["mset a 1 b", "-ERR wrong number of arguments for 'mset' command"],
    ["exists a", 0],
  ];
  expect(play(session)).toEqual(session);
});
