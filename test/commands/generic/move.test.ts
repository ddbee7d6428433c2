// MOVE as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("MOVE takes a key and its expiry to another database", () => {
  const session: Transcript = [
    ["set k v ex 100", "+OK"],
    ["move k 1", 1],
    ["exists k", 0],
    ["move k 1", 0],
    ["set k w", "+OK"],
    ["move k 1", 0],
    ["get k", "w"],
  ];
  expect(play(session)).toEqual(session);
});

test("MOVE refuses its own database and unknown ones", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["move k 0", "-ERR source and destination objects are the same"],
    ["move k 16", "-ERR DB index is out of range"],
    ["move k x", "-ERR value is not an integer or out of range"],
  ];
  expect(play(session)).toEqual(session);
});
