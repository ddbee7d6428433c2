// Sums of decimal fractions as INCRBYFLOAT computes them: x87 long doubles, here in integers.

import { errors } from "../../resp/errors.ts";
import type { Bytes, ErrorReply } from "../../resp/reply.ts";

/** Bits of a mantissa, and the binary exponents of the lowest bits of the smallest and largest. */
const mantissaBits = 64;
const exponentMin = -16_445;
const exponentMax = 16_383 - (mantissaBits - 1);
/** Beyond this power of ten every number is an overflow or zero. */
const decimalExponentLimit = 12_000;
/** Redis reads numbers of at most this many chars. */
export const longDoubleTextMax: number = 5 * 1024 - 1;
const fractionDigits = 17;
const fractionScale = 10n ** BigInt(fractionDigits);

/** mantissa * 2^exponent; the sign is in the mantissa. Infinite values have a sign only. */
type LongDouble =
  | { readonly mantissa: bigint; readonly exponent: number }
  | { readonly infinite: 1 | -1 };

const infinityPattern = /^([+-]?)inf(?:inity)?$/i;
const decimalPattern = /^([+-]?)(?=\.?[0-9])([0-9]*)\.?([0-9]*)(?:e([+-]?[0-9]+))?$/i;
const hexPattern = /^([+-]?)0x(?=\.?[0-9a-f])([0-9a-f]*)\.?([0-9a-f]*)(?:p([+-]?[0-9]+))?$/i;

/**
 * The sum as Redis prints it ("%.17Lf" without trailing zeros), or the error of INCRBYFLOAT.
 * Both words are rounded to 64 bits of mantissa, and so is their sum, ties to even. Unlike Redis on
 * processors without x87 long doubles, every node computes the same.
 */
export function addLongDoubles(a: Bytes, b: Bytes): Bytes | ErrorReply {
  const left = parse(a);
  const right = parse(b);
  if (left === null || right === null) return errors.notAFloat;
  if ("infinite" in left || "infinite" in right) return errors.notFinite;
  const exponent = Math.min(left.exponent, right.exponent);
  const sum =
    (left.mantissa << BigInt(left.exponent - exponent)) +
    (right.mantissa << BigInt(right.exponent - exponent));
  const rounded = roundToMantissa(sum, 1n, exponent);
  return "infinite" in rounded ? errors.notFinite : format(rounded.mantissa, rounded.exponent);
}

/** What C's strtold reads, except NaN; null also when it reports a range error. */
function parse(text: Bytes): LongDouble | null {
  if (text.length > longDoubleTextMax) return null;
  const infinite = infinityPattern.exec(text);
  if (infinite !== null) return { infinite: infinite[1] === "-" ? -1 : 1 };
  const decimal = decimalPattern.exec(text);
  if (decimal !== null) return parseParts(decimal, 10);
  const hex = hexPattern.exec(text);
  return hex === null ? null : parseParts(hex, 16);
}

function parseParts(match: RegExpExecArray, base: 10 | 16): LongDouble | null {
  const [, sign, whole = "", fraction = "", power = "0"] = match;
  const prefix = base === 10 ? "" : "0x";
  const digits = BigInt(`${prefix}${whole}${fraction}`);
  if (digits === 0n) return { mantissa: 0n, exponent: exponentMin };
  const value =
    base === 10 ? scaleDecimal(digits, fraction, power) : scaleHex(digits, fraction, power);
  if (value === null || "infinite" in value || value.mantissa === 0n) return null;
  return sign === "-" ? { mantissa: -value.mantissa, exponent: value.exponent } : value;
}

function scaleDecimal(digits: bigint, fraction: string, power: string): LongDouble | null {
  const exponent = Number(power) - fraction.length;
  if (Math.abs(exponent) > decimalExponentLimit) return null;
  const tens = 10n ** BigInt(Math.abs(exponent));
  return exponent >= 0 ? roundToMantissa(digits * tens, 1n, 0) : roundToMantissa(digits, tens, 0);
}

function scaleHex(digits: bigint, fraction: string, power: string): LongDouble | null {
  const exponent = Number(power) - 4 * fraction.length;
  if (Math.abs(exponent) > 4 * decimalExponentLimit) return null;
  return roundToMantissa(digits, 1n, exponent);
}

/** numerator / denominator * 2^exponent, rounded to nearest, ties to even. */
function roundToMantissa(numerator: bigint, denominator: bigint, exponent: number): LongDouble {
  if (numerator === 0n) return { mantissa: 0n, exponent: exponentMin };
  const negative = numerator < 0n;
  const size = negative ? -numerator : numerator;
  const atLeast = bitLength(size) - bitLength(denominator) - mantissaBits;
  // The lowest bit that counts: with it the quotient has 64 bits, or 65, and then one more goes.
  let lowest = Math.max(exponent + atLeast, exponentMin);
  if (
    bitLength(scale(size, exponent - lowest) / scale(denominator, lowest - exponent)) > mantissaBits
  ) {
    lowest += 1;
  }
  const mantissa = divideToEven(
    scale(size, exponent - lowest),
    scale(denominator, lowest - exponent),
  );
  // Rounding up may have carried into a 65th bit, which leaves a power of two.
  const carried = bitLength(mantissa) > mantissaBits ? 1 : 0;
  if (lowest + carried > exponentMax) return { infinite: negative ? -1 : 1 };
  return { mantissa: negative ? -mantissa : mantissa, exponent: lowest };
}

/** value * 2^power; negative powers change nothing, their inverse is applied to the other side. */
function scale(value: bigint, power: number): bigint {
  return power > 0 ? value << BigInt(power) : value;
}

function divideToEven(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  const twice = 2n * (numerator % denominator);
  const isUp = twice > denominator || (twice === denominator && quotient % 2n === 1n);
  return isUp ? quotient + 1n : quotient;
}

function bitLength(value: bigint): number {
  const hex = value.toString(16);
  return 4 * hex.length - Math.clz32(Number.parseInt(hex.charAt(0), 16)) + 28;
}

function format(mantissa: bigint, exponent: number): Bytes {
  const size = (mantissa < 0n ? -mantissa : mantissa) * fractionScale;
  const scaled =
    exponent >= 0 ? size << BigInt(exponent) : divideToEven(size, 1n << BigInt(-exponent));
  const whole = scaled / fractionScale;
  const fraction = String(scaled % fractionScale)
    .padStart(fractionDigits, "0")
    .replace(/0+$/, "");
  const text = fraction === "" ? String(whole) : `${whole}.${fraction}`;
  return mantissa < 0n && scaled !== 0n ? `-${text}` : text;
}
