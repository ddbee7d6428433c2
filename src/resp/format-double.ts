// Doubles as Redis 7.0 prints them in replies: C's "%.17g".

import type { Bytes } from "./reply.ts";

/** Significant digits; trailing zeros are dropped. */
const precision = 17;
/** Enough digits to see whether the 18th is followed by anything: a tie goes to the even digit. */
const exactDigits = 60;

/** "3.1400000000000001", "100", "1e+17", "-0", "inf", "-inf", "nan". */
export function formatDouble(value: number): Bytes {
  if (Number.isSafeInteger(value)) return Object.is(value, -0) ? "-0" : String(value);
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const [digits, exponent] = roundedDigits(Math.abs(value));
  const significant = digits.replace(/0+$/, "");
  const isPlain = exponent >= -4 && exponent < precision;
  const text = isPlain ? plain(significant, exponent) : scientific(significant, exponent);
  return value < 0 ? `-${text}` : text;
}

/** Exactly `precision` digits, the first one before the point, and the power of ten. */
function roundedDigits(value: number): [digits: string, exponent: number] {
  const exact = split(value.toExponential(exactDigits));
  const isTie = /^50*$/.test(exact.digits.slice(precision));
  const last = exact.digits.charCodeAt(precision - 1);
  // JavaScript rounds a tie up and C to the even digit: then the digits before the tie stay.
  if (isTie && last % 2 === 0) return [exact.digits.slice(0, precision), exact.exponent];
  const rounded = split(value.toExponential(precision - 1));
  return [rounded.digits, rounded.exponent];
}

function split(text: string): { digits: string; exponent: number } {
  const mark = text.indexOf("e");
  const digits = text.slice(0, mark).replace(".", "");
  return { digits, exponent: Number(text.slice(mark + 1)) };
}

function plain(digits: string, exponent: number): string {
  if (exponent < 0) return `0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const fraction = digits.slice(exponent + 1);
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

function scientific(digits: string, exponent: number): string {
  const mantissa = digits.length === 1 ? digits : `${digits.charAt(0)}.${digits.slice(1)}`;
  const sign = exponent < 0 ? "-" : "+";
  return `${mantissa}e${sign}${String(Math.abs(exponent)).padStart(2, "0")}`;
}
