// INCRBYFLOAT as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("INCRBYFLOAT adds decimal fractions with the 64 bits of mantissa that Redis has", () => {
  const session: Transcript = [
    ["incrbyfloat f 10.50", "10.5"],
    ["incrbyfloat f 0.1", "10.6"],
    ["incrbyfloat f -5", "5.6"],
    ["incrbyfloat f 5.0e3", "5005.60000000000000009"],
    ["get f", "5005.60000000000000009"],
  ];
  expect(play(session)).toEqual(session);
});

test("INCRBYFLOAT keeps the expiry", () => {
  const session: Transcript = [
    ["set f 1 ex 100", "+OK"],
    ["incrbyfloat f 1.5", "2.5"],
    ["ttl f", 100],
  ];
  expect(play(session)).toEqual(session);
});

test("INCRBYFLOAT leaves the value alone when a number is none, or the sum has no end", () => {
  const session: Transcript = [
    ["set f 1", "+OK"],
    ["incrbyfloat f x", "-ERR value is not a valid float"],
    ["incrbyfloat f inf", "-ERR increment would produce NaN or Infinity"],
    ["get f", "1"],
    ["set f abc", "+OK"],
    ["incrbyfloat f 1", "-ERR value is not a valid float"],
  ];
  expect(play(session)).toEqual(session);
});
