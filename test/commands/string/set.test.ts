// SET as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("SET overwrites the value and drops the expiry", () => {
  const session: Transcript = [
    ["set k v ex 100", "+OK"],
    ["set k w", "+OK"],
    ["get k", "w"],
    ["ttl k", -1],
  ];
  expect(play(session)).toEqual(session);
});

test("SET with NX or XX asks whether the key exists", () => {
  const session: Transcript = [
    ["set k v xx", null],
    ["set k v nx", "+OK"],
    ["set k w nx", null],
    ["set k x xx", "+OK"],
    ["get k", "x"],
  ];
  expect(play(session)).toEqual(session);
});

test("SET with GET answers the old value, written or not", () => {
  const session: Transcript = [
    ["set k v get", null],
    ["set k w get", "v"],
    ["set k x nx get", "w"],
    ["get k", "w"],
  ];
  expect(play(session)).toEqual(session);
});

test("SET with KEEPTTL keeps the expiry", () => {
  const session: Transcript = [
    ["set k v ex 100", "+OK"],
    ["set k w keepttl", "+OK"],
    ["ttl k", 100],
  ];
  expect(play(session)).toEqual(session);
});

test("SET with a time that has passed leaves no key behind", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["set k w pxat 1", "+OK"],
    ["exists k", 0],
  ];
  expect(play(session)).toEqual(session);
});

test("SET keeps an expiry beyond 2^53 exactly", () => {
  const session: Transcript = [
    ["set k v pxat 9223372036854775807", "+OK"],
    ["pexpiretime k", 9223372036854775807n],
  ];
  expect(play(session)).toEqual(session);
});

test("SET refuses two units, and a time that is not positive", () => {
  const session: Transcript = [
    ["set k v ex 1 px 1", "-ERR syntax error"],
    ["set k v ex 0", "-ERR invalid expire time in 'set' command"],
    ["set k v ex 1 ex 2", "+OK"],
    ["ttl k", 2],
  ];
  expect(play(session)).toEqual(session);
});
