// RENAME as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("RENAME takes value and expiry along and overwrites", () => {
  const session: Transcript = [
    ["set a 1 ex 100", "+OK"],
    ["set b 2", "+OK"],
    ["rename a b", "+OK"],
    ["exists a", 0],
    ["get b", "1"],
    ["ttl b", 100],
  ];
  expect(play(session)).toEqual(session);
});

test("RENAME of a missing key is an error, of a key to itself nothing", () => {
  const session: Transcript = [
    ["rename a b", "-ERR no such key"],
    ["rename a a", "-ERR no such key"],
    ["set a 1", "+OK"],
    ["rename a a", "+OK"],
    ["get a", "1"],
  ];
  expect(play(session)).toEqual(session);
});

test("RENAME of a key to itself leaves the order of the keys alone", () => {
  const session: Transcript = [
    ["mset {t}a 1 {t}b 2 {t}c 3", "+OK"],
    ["rename {t}a {t}a", "+OK"],
    ["keys *", ["{t}a", "{t}b", "{t}c"]],
  ];
  expect(play(session)).toEqual(session);
});
