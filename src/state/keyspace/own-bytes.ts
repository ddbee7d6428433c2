// Strings that own their memory: what a command stores must not keep something larger alive.

import type { Bytes } from "../../resp/reply.ts";

/** V8 copies shorter substrings and concatenations at once (SlicedString and ConsString kMinLength). */
const alwaysOwned = 12;
const scratchBytes = 64 * 1024;
const scratch = Buffer.allocUnsafeSlow(scratchBytes);

/**
 * The same bytes as one flat string of their own. For values cut out of another value (GETRANGE,
 * a word of a larger word) before they are stored; the words of a request are owned already.
 */
export function own(bytes: Bytes): Bytes {
  if (bytes.length <= alwaysOwned) return bytes;
  if (bytes.length > scratchBytes) return Buffer.from(bytes, "latin1").toString("latin1");
  return scratch.toString("latin1", 0, scratch.write(bytes, "latin1"));
}
