// PEXPIREAT as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("PEXPIREAT keeps the largest time exactly", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["pexpireat k 9223372036854775807", 1],
    ["pexpiretime k", 9223372036854775807n],
    ["expiretime k", 9223372036854776n],
    ["pexpireat k 9223372036854775806 gt", 0],
    ["pexpireat k 9223372036854775806 lt", 1],
    ["pexpireat k 9007199254740991 lt", 1],
    ["pexpiretime k", 9007199254740991],
  ];
  expect(play(session)).toEqual(session);
});

test("PEXPIREAT with GT and LT leaves an equal time as it is", () => {
  const session: Transcript = [
    ["set k v pxat 1700000005000", "+OK"],
    ["pexpireat k 1700000005000 gt", 0],
    ["pexpireat k 1700000005000 lt", 0],
    ["pexpireat k 1700000005001 gt", 1],
    ["pexpireat k 1700000005000 lt", 1],
  ];
  expect(play(session)).toEqual(session);
});
