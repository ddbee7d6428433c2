// Glob patterns as KEYS, SCAN and PSUBSCRIBE take them: see the KEYS command page.

import { patternBytesMax } from "../../constants.ts";
import type { Bytes } from "../../resp/reply.ts";

const star = 0x2a;
const question = 0x3f;
const open = 0x5b;
const close = 0x5d;
const caret = 0x5e;
const dash = 0x2d;
const backslash = 0x5c;

/**
 * `*`, `?`, `[abc]`, `[a-z]`, `[^a]` and `\x`; every other byte stands for itself. Never recursive:
 * at most pattern length times text length steps. Too long a pattern matches nothing.
 */
export function matchesGlob(pattern: Bytes, text: Bytes, ignoreCase = false): boolean {
  if (pattern.length > patternBytesMax) return false;
  // Redis' commands take "*" for everything, but its matcher finds nothing else in an empty text.
  if (text === "") return pattern === "" || pattern === "*";
  if (ignoreCase) return matches(lowerCase(pattern), lowerCase(text));
  return matches(pattern, text);
}

/**
 * Everything but `*` takes one byte of the text, so when a byte does not fit it is enough to go back
 * to the last `*` and let it take one byte more: earlier ones never have to change.
 */
function matches(pattern: Bytes, text: Bytes): boolean {
  let at = 0;
  let place = 0;
  let afterStar = -1;
  let starFrom = 0;
  while (place < text.length) {
    if (pattern.charCodeAt(at) === star) {
      afterStar = ++at;
      starFrom = place;
      if (at === pattern.length) return true;
      continue;
    }
    const next = matchOne(pattern, at, text.charCodeAt(place));
    if (next !== -1) {
      at = next;
      place++;
    } else {
      if (afterStar === -1) return false;
      at = afterStar;
      place = ++starFrom;
    }
  }
  while (pattern.charCodeAt(at) === star) at++;
  return at === pattern.length;
}

/** The place in the pattern behind the element at `at`, or -1 when that does not fit the byte. */
function matchOne(pattern: Bytes, at: number, byte: number): number {
  if (at >= pattern.length) return -1;
  const first = pattern.charCodeAt(at);
  if (first === question) return at + 1;
  if (first === open) return matchClass(pattern, at + 1, byte);
  const isEscape = first === backslash && at + 1 < pattern.length;
  const literal = isEscape ? at + 1 : at;
  return pattern.charCodeAt(literal) === byte ? literal + 1 : -1;
}

/** As `matchOne`, from the byte after `[`. A class without `]` ends with the pattern. */
function matchClass(pattern: Bytes, from: number, byte: number): number {
  const isNegated = pattern.charCodeAt(from) === caret;
  let at = isNegated ? from + 1 : from;
  let isIn = false;
  while (at < pattern.length && pattern.charCodeAt(at) !== close) {
    const first = pattern.charCodeAt(at);
    if (first === backslash && at + 1 < pattern.length) {
      isIn ||= pattern.charCodeAt(at + 1) === byte;
      at += 2;
    } else if (at + 2 < pattern.length && pattern.charCodeAt(at + 1) === dash) {
      isIn ||= isBetween(byte, first, pattern.charCodeAt(at + 2));
      at += 3;
    } else {
      isIn ||= first === byte;
      at++;
    }
  }
  if (isIn === isNegated) return -1;
  return Math.min(at + 1, pattern.length);
}

/** Ranges may be written backwards. */
function isBetween(byte: number, a: number, b: number): boolean {
  return a <= b ? a <= byte && byte <= b : b <= byte && byte <= a;
}

/** A to Z alone, as C's tolower in the C locale. */
function lowerCase(bytes: Bytes): Bytes {
  return bytes.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
