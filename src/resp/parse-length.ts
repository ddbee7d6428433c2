// The number of a header line, by the strict rules of Redis: no plus, no spaces, no leading zeros.

import type { Bytes } from "./reply.ts";

const int64Max = 2n ** 63n - 1n;
const int64Min = -(2n ** 63n);

/** NaN when the text is no integer of 64 bits. Beyond 2^53 the result is near, which is enough. */
export function parseLength(text: Bytes): number {
  if (text.length > 20 || !/^(?:0|-?[1-9][0-9]*)$/.test(text)) return Number.NaN;
  const value = BigInt(text);
  return value >= int64Min && value <= int64Max ? Number(value) : Number.NaN;
}
