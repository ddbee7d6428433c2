// OBJECT as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("OBJECT ENCODING follows from the value", () => {
  const session: Transcript = [
    ["mset i 12345 e short r 123456789012345678901234567890123456789012345", "+OK"],
    ["object encoding i", "int"],
    ["object encoding e", "embstr"],
    ["object encoding r", "raw"],
    ["object encoding none", null],
  ];
  expect(play(session)).toEqual(session);
});

test("OBJECT IDLETIME counts from when it is first asked for; FREQ wants an LFU policy", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["object freq none", null],
    ["object idletime none", null],
    ["object idletime k", 0],
    [
      "object freq k",
      "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.",
    ],
  ];
  expect(play(session)).toEqual(session);
});

test("OBJECT REFCOUNT shows the integers that Redis shares", () => {
  const session: Transcript = [
    ["mset small 9999 large 10000 word w", "+OK"],
    ["object refcount small", 2147483647],
    ["object refcount large", 1],
    ["object refcount word", 1],
  ];
  expect(play(session)).toEqual(session);
});

test("OBJECT needs a subcommand that it knows", () => {
  const session: Transcript = [
    ["object", "-ERR wrong number of arguments for 'object' command"],
    ["object nosuch k", "-ERR unknown subcommand 'nosuch'. Try OBJECT HELP."],
  ];
  expect(play(session)).toEqual(session);
});
