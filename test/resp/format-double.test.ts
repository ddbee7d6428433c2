// Doubles in replies: texts that Redis 7.0.15 gave for the same scores.

import { expect, it } from "vitest";
import { formatDouble } from "../../src/resp/format-double.ts";
import { diceOf } from "../support/resp-random.ts";

it.each<[number, string]>([
  [0, "0"],
  [-0, "-0"],
  [100, "100"],
  [-1.5, "-1.5"],
  [3.14, "3.1400000000000001"],
  [0.1, "0.10000000000000001"],
  [0.0001, "0.0001"],
  [0.00001, "1.0000000000000001e-05"],
  [1e16, "10000000000000000"],
  [1e17, "1e+17"],
  [1e100, "1e+100"],
  [1.5e-7, "1.4999999999999999e-07"],
  [123456789012345680, "1.2345678901234568e+17"],
  [2 ** 56, "72057594037927936"],
  [2 ** -25, "2.9802322387695312e-08"],
  [2 ** -25 * 3, "8.9406967163085938e-08"],
  [5e-324, "4.9406564584124654e-324"],
  [Number.MAX_VALUE, "1.7976931348623157e+308"],
  [Number.POSITIVE_INFINITY, "inf"],
  [Number.NEGATIVE_INFINITY, "-inf"],
  [Number.NaN, "nan"],
])("%f is written %s", (value, text) => {
  expect(formatDouble(value)).toBe(text);
});

it("is read back as the same number", () => {
  const dice = diceOf(1);
  const bytes = Buffer.alloc(8);
  for (let round = 0; round < 5000; round++) {
    for (let at = 0; at < 8; at++) bytes[at] = dice(256);
    const value = bytes.readDoubleLE(0);
    if (Number.isFinite(value)) expect(Number(formatDouble(value))).toBe(value);
  }
});
