// GETEX as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("GETEX without an option leaves the expiry alone", () => {
  const session: Transcript = [
    ["set k v ex 100", "+OK"],
    ["getex k", "v"],
    ["ttl k", 100],
  ];
  expect(play(session)).toEqual(session);
});

test("GETEX sets and removes expiries", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["getex k px 5000", "v"],
    ["pttl k", 5000],
    ["getex k persist", "v"],
    ["ttl k", -1],
  ];
  expect(play(session)).toEqual(session);
});

test("GETEX with a time that has passed is the last to see the value", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["getex k exat 1", "v"],
    ["exists k", 0],
  ];
  expect(play(session)).toEqual(session);
});

test("GETEX reads its options before it looks for the key, and its time after that", () => {
  const session: Transcript = [
    ["getex k nx", "-ERR syntax error"],
    ["getex k ex 0", null],
    ["set k v", "+OK"],
    ["getex k ex 0", "-ERR invalid expire time in 'getex' command"],
  ];
  expect(play(session)).toEqual(session);
});
