// Option words: how they compare, and where several commands read the same ones.

import type { Bytes } from "../../resp/reply.ts";

/** An option in the form in which options compare: lower case, up to a NUL (Redis compares C strings). */
export function optionName(word: Bytes): Bytes {
  return untilNul(word).toLowerCase();
}

export function untilNul(word: Bytes): Bytes {
  const end = word.indexOf("\0");
  return end < 0 ? word : word.slice(0, end);
}
