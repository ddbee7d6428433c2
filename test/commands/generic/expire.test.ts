// EXPIRE as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("EXPIRE gives a key a life, PERSIST takes it away", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["expire k 10", 1],
    ["ttl k", 10],
    ["persist k", 1],
    ["ttl k", -1],
    ["expire none 10", 0],
  ];
  expect(play(session)).toEqual(session);
});

test("EXPIRE with NX, XX, GT and LT", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["expire k 10 xx", 0],
    ["expire k 10 gt", 0],
    ["expire k 10 nx", 1],
    ["expire k 20 nx", 0],
    ["expire k 5 gt", 0],
    ["expire k 20 gt", 1],
    ["expire k 30 lt", 0],
    ["expire k 5 lt", 1],
    ["ttl k", 5],
  ];
  expect(play(session)).toEqual(session);
});

test("EXPIRE with a time that has passed removes the key", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["expire k -1", 1],
    ["exists k", 0],
  ];
  expect(play(session)).toEqual(session);
});

test("EXPIRE refuses what overflows 64 bits of milliseconds", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["expire k 9223372036854775", "-ERR invalid expire time in 'expire' command"],
    ["expire k 10 nx gt", "-ERR NX and XX, GT or LT options at the same time are not compatible"],
    ["expire k 10 gt lt", "-ERR GT and LT options at the same time are not compatible"],
    ["expire k 10 foo", "-ERR Unsupported option foo"],
    ["ttl k", -1],
  ];
  expect(play(session)).toEqual(session);
});
