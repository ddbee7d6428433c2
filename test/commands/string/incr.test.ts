// INCR as a client types it.

import { expect, test } from "vitest";
import { CommandSession, play, type Transcript } from "../../support/command-session.ts";

test("INCR counts from zero", () => {
  const session: Transcript = [
    ["incr n", 1],
    ["incr n", 2],
    ["get n", "2"],
  ];
  expect(play(session)).toEqual(session);
});

test("INCR is exact beyond 2^53 and stops at the largest 64-bit integer", () => {
  const session: Transcript = [
    ["set n 9007199254740992", "+OK"],
    ["incr n", 9007199254740993n],
    ["set n 9223372036854775806", "+OK"],
    ["incr n", 9223372036854775807n],
    ["incr n", "-ERR increment or decrement would overflow"],
  ];
  expect(play(session)).toEqual(session);
});

test("INCR refuses what is not written as an integer", () => {
  const session: Transcript = [
    ['set n "1 "', "+OK"],
    ["incr n", "-ERR value is not an integer or out of range"],
  ];
  expect(play(session)).toEqual(session);
});

test("INCR and INCRBYFLOAT look at no more of a long value than a number may have", () => {
  const session = new CommandSession();
  session.reply("SET", "long", "1".repeat(8 * 1024 * 1024));
  const before = session.cost;
  expect(session.run("incr long")).toBe("-ERR value is not an integer or out of range");
  expect(session.run("incrbyfloat long 1")).toBe("-ERR value is not a valid float");
  expect(session.run("lcs long none len")).toBe(0);
  // In units of 4 KiB: 8 MiB would be 2,048 of them.
  expect(session.cost - before).toBeLessThan(4);
});

test("a number of as many digits as there may be is one", () => {
  const session: Transcript = [
    ["set n -9223372036854775808", "+OK"],
    ["incr n", -9223372036854775807n],
    ["set n 92233720368547758070", "+OK"],
    ["incr n", "-ERR value is not an integer or out of range"],
    [`set f ${"0".repeat(5118)}1`, "+OK"],
    ["incrbyfloat f 1", "2"],
    [`set f ${"0".repeat(5119)}1`, "+OK"],
    ["incrbyfloat f 1", "-ERR value is not a valid float"],
  ];
  expect(play(session)).toEqual(session);
});
