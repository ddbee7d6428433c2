// Four bytes at a time, as a word of 32 bits, little endian.

import type { Bytes } from "../../resp/reply.ts";

/** The bytes [at, at + 4) of a string. */
export const wordAt = (text: Bytes, at: number): number =>
  text.charCodeAt(at) |
  (text.charCodeAt(at + 1) << 8) |
  (text.charCodeAt(at + 2) << 16) |
  (text.charCodeAt(at + 3) << 24);

/** The high bit of each byte that is 0, and perhaps of one that is 1 and stands above such a byte. */
export const zeroBytes = (word: number): number => (word - 0x01010101) & ~word & 0x80808080;
