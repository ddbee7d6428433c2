// 64-bit integers as clients write them, and exact sums of them.

import { errors } from "../../resp/errors.ts";
import type { Bytes, ErrorReply } from "../../resp/reply.ts";

/** A signed 64-bit integer: a number while that is exact, a bigint beyond 2^53. */
export type Integer = number | bigint;

export const int64Max = 2n ** 63n - 1n;
export const int64Min = -(2n ** 63n);

const zero = 48;
const nine = 57;
const minus = 45;
/** Digits of int64Max; a longer number does not fit. */
const digitsMax = 19;
/** No integer has more chars: the digits, and a minus. */
export const integerTextMax: number = digitsMax + 1;
/** So many digits are exact in a number, whatever they are. */
const digitsExact = 15;

/**
 * The one canonical spelling of a signed 64-bit integer, as Redis demands it everywhere: digits with at most
 * a minus before them; no plus, space, leading zero or "-0". Undefined for anything else.
 */
export function parseInteger(text: Bytes): Integer | undefined {
  const negative = text.charCodeAt(0) === minus;
  const start = negative ? 1 : 0;
  const digits = text.length - start;
  if (digits < 1 || digits > digitsMax) return undefined;
  if (text.charCodeAt(start) === zero) return digits === 1 && !negative ? 0 : undefined;

  let value = 0;
  for (let at = start; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code < zero || code > nine) return undefined;
    value = value * 10 + (code - zero);
  }
  if (digits > digitsExact) return narrow(BigInt(text));
  return negative ? -value : value;
}

/** As `parseInteger`, but undefined for what a number does not hold exactly. */
export function parseSafeInteger(text: Bytes): number | undefined {
  const value = parseInteger(text);
  return typeof value === "number" ? value : undefined;
}

const int32Max = 2 ** 31 - 1;
const int32Min = -(2 ** 31);

/** A signed 32-bit integer, as database numbers are read; the errors tell "no integer" from "too large". */
export function parseInt32(text: Bytes): number | ErrorReply {
  const value = parseInteger(text);
  if (value === undefined) return errors.notAnInteger;
  return typeof value === "number" && value >= int32Min && value <= int32Max
    ? value
    : errors.notInRange(int32Min, int32Max);
}

/** The sum; undefined when it does not fit into 64 bits. */
export function addIntegers(a: Integer, b: Integer): Integer | undefined {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return narrow(BigInt(a) + BigInt(b));
}

/** The product; undefined when it does not fit into 64 bits. */
export function multiplyIntegers(a: Integer, b: Integer): Integer | undefined {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    // Without the addition, a zero times a negative would be -0, which prints and compares oddly.
    if (Number.isSafeInteger(product)) return product + 0;
  }
  return narrow(BigInt(a) * BigInt(b));
}

/** The negative; undefined for int64Min, which has none. */
export function negateInteger(value: Integer): Integer | undefined {
  return typeof value === "number" ? 0 - value : narrow(-value);
}

/** As a number within the safe range, for positions and counts where everything beyond is equal. */
export function clampToSafe(value: Integer): number {
  if (typeof value === "number") return value;
  return value > 0n ? Number.MAX_SAFE_INTEGER : Number.MIN_SAFE_INTEGER;
}

/** The same integer as a number where that is exact. */
export function exact(value: bigint): Integer {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function narrow(value: bigint): Integer | undefined {
  return value > int64Max || value < int64Min ? undefined : exact(value);
}
