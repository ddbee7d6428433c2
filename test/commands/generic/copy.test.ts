// COPY as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("COPY copies value and expiry", () => {
  const session: Transcript = [
    ["set a 1 ex 100", "+OK"],
    ["copy a b", 1],
    ["get b", "1"],
    ["ttl b", 100],
  ];
  expect(play(session)).toEqual(session);
});

test("COPY overwrites only with REPLACE", () => {
  const session: Transcript = [
    ["mset a 1 b 2", "+OK"],
    ["copy a b", 0],
    ["copy a b replace", 1],
    ["get b", "1"],
  ];
  expect(play(session)).toEqual(session);
});

test("COPY refuses to copy a key onto itself, but not into another database", () => {
  const session: Transcript = [
    ["set a 1", "+OK"],
    ["copy a a", "-ERR source and destination objects are the same"],
    ["copy a a db 5", 1],
    ["copy a a db 5", 0],
    ["copy a a db 16", "-ERR DB index is out of range"],
  ];
  expect(play(session)).toEqual(session);
});
