// INCRBYFLOAT's arithmetic: sums that redis-server 7.0.15 gave on x86-64.

import { expect, it } from "vitest";
import { errors } from "../../../src/resp/errors.ts";
import { addLongDoubles } from "../../../src/state/parse/long-double.ts";

it.each([
  ["10.5", "0.1", "10.6"],
  ["0.1", "0.2", "0.3"],
  ["5.0e3", "2.0e2", "5200"],
  ["3", "-3", "0"],
  ["-0", "-0", "0"],
  ["-1e-18", "0", "0"],
  ["1", "-1.1", "-0.1"],
  ["+1", ".5", "1.5"],
  ["5.", "0", "5"],
  ["1e17", "0.00000001", "100000000000000000"],
  ["1e15", "0.001", "1000000000000000.0009765625"],
  ["18446744073709551615", "1", "18446744073709551616"],
  ["18446744073709551616", "1", "18446744073709551616"],
  ["18446744073709551616", "3", "18446744073709551620"],
  ["0x10", "0x.8p1", "17"],
  ["0.000000000000000005", "0", "0"],
  ["0.000000000000000006", "0", "0.00000000000000001"],
  ["1e400", "-1e400", "0"],
  ["5e-4951", "0", "0"],
  ["0e9999999999", "0", "0"],
  ["123456789.123456789", "1e-9", "123456789.12345678999554366"],
])("%s + %s = %s", (a, b, sum) => {
  expect(addLongDoubles(a, b)).toBe(sum);
});

it.each(["", " 1", "1 ", ".", "e5", "1e", "0x", "0xp1", "--1", "nan", "1_0", "1,5", "1\0"])(
  "%j is no number",
  (text) => {
    expect(addLongDoubles(text, "1")).toBe(errors.notAFloat);
    expect(addLongDoubles("1", text)).toBe(errors.notAFloat);
  },
);

it.each(["1e4933", "-1e4933", "1e-4960", "0x1p16384", "1e99999999999999999999", "1".repeat(5120)])(
  "%.30s is out of range",
  (text) => expect(addLongDoubles(text, "1")).toBe(errors.notAFloat),
);

it.each([
  ["inf", "1"],
  ["-Infinity", "inf"],
  ["0x1.fffffffffffffffep16383", "0x1.fffffffffffffffep16383"],
])("%s + %s is not finite", (a, b) => {
  expect(addLongDoubles(a, b)).toBe(errors.notFinite);
});

it("costs no more for a hostile exponent than for a long number", () => {
  expect(addLongDoubles("1e4932", "1e-4930")).toBe(addLongDoubles("1e4932", "0"));
});
