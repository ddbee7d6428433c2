// Integers of 64 bits: their one spelling, and exact arithmetic.

import fc from "fast-check";
import { expect, test } from "vitest";
import { parseCursor } from "../../../src/state/parse/cursor.ts";
import {
  addIntegers,
  exact,
  type Integer,
  int64Max,
  int64Min,
  multiplyIntegers,
  negateInteger,
  parseInteger,
} from "../../../src/state/parse/integers.ts";

const int64 = fc.oneof(
  fc.bigInt({ min: int64Min, max: int64Max }),
  fc.bigInt({ min: -(2n ** 53n) - 3n, max: 2n ** 53n + 3n }),
  fc.constantFrom(0n, 1n, -1n, int64Max, int64Min, 2n ** 53n - 1n, 2n ** 53n, -(2n ** 53n)),
);
const fits = (value: bigint) => value >= int64Min && value <= int64Max;
const kept = (value: bigint) => (fits(value) ? exact(value) : undefined);

test("every 64-bit integer is read back from its spelling, as a number where that is exact", () => {
  fc.assert(
    fc.property(int64, (value) => {
      const parsed = parseInteger(String(value)) as Integer;
      expect(BigInt(parsed)).toBe(value);
      expect(typeof parsed === "number").toBe(Number.isSafeInteger(Number(value)));
      expect(Object.is(parsed, -0)).toBe(false);
    }),
  );
});

test("any other spelling is refused", () => {
  for (const text of [
    ...["", "-", "+1", " 1", "1 ", "01", "-0", "-01", "00", "1.0", "1e3", "0x1", "1_000", "--1"],
    ...["9223372036854775808", "-9223372036854775809", "99999999999999999999", "1\0", "\u00b2"],
  ]) {
    expect([text, parseInteger(text)]).toEqual([text, undefined]);
  }
  fc.assert(
    fc.property(fc.string({ maxLength: 22 }), (text) => {
      const isCanonical = /^(0|-?[1-9]\d*)$/.test(text) && fits(BigInt(text));
      expect(parseInteger(text) !== undefined).toBe(isCanonical);
    }),
  );
});

test("sums, products and negatives are exact, or undefined beyond 64 bits", () => {
  fc.assert(
    fc.property(int64, int64, (a, b) => {
      expect(addIntegers(exact(a), exact(b))).toBe(kept(a + b));
      expect(multiplyIntegers(exact(a), exact(b))).toBe(kept(a * b));
      expect(negateInteger(exact(a))).toBe(kept(-a));
    }),
  );
});

test("a cursor is what strtoul takes for one", () => {
  const cursors: readonly (readonly [string, Integer | undefined])[] = [
    ["0", 0],
    ["", 0],
    ["+7", 7],
    ["007", 7],
    ["7\0x", 7],
    ["-0", 0],
    ["-1", 2n ** 64n - 1n],
    ["18446744073709551615", 2n ** 64n - 1n],
    ["18446744073709551616", undefined],
    ["-18446744073709551615", 1],
    ["-18446744073709551616", undefined],
    [" 1", undefined],
    ["1 ", undefined],
    ["+", undefined],
    ["0x1", undefined],
    ["9".repeat(1_000_000), undefined],
  ];
  for (const [text, cursor] of cursors) {
    expect([text.slice(0, 30), parseCursor(text)]).toEqual([text.slice(0, 30), cursor]);
  }
});
