// Cursors of SCAN and its kin as clients may write them.

import type { Bytes } from "../../resp/reply.ts";
import { exact, type Integer } from "./integers.ts";
import { untilNul } from "./option-name.ts";

const cursorMax = 2n ** 64n - 1n;
/** More digits, leading zeros included, than any cursor needs. */
const digitsMax = 64;

/**
 * Unsigned 64 bits as C's strtoul reads them: an optional sign (a negative number wraps around), nothing
 * at all is 0, and a NUL ends the number. Undefined for anything else.
 */
export function parseCursor(text: Bytes): Integer | undefined {
  const digits = untilNul(text.length > digitsMax ? text.slice(0, digitsMax + 1) : text);
  if (digits === "") return 0;
  if (digits.length > digitsMax || !/^[+-]?\d+$/.test(digits)) return undefined;
  const negative = digits.startsWith("-");
  const size = BigInt(digits.replace(/^[+-]/, ""));
  if (size > cursorMax) return undefined;
  return exact(negative && size > 0n ? cursorMax + 1n - size : size);
}
