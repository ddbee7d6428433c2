// Names on the wire compare without regard to case, and only A to Z have two cases.

import type { Bytes } from "./reply.ts";

/** True when the bytes from `start` on begin with a name in lower case. Allocates nothing. */
export function bytesBeginWith(bytes: Buffer, start: number, lowerName: Bytes): boolean {
  for (let at = 0; at < lowerName.length; at++) {
    if (lowerCode(bytes[start + at] ?? 0) !== lowerName.charCodeAt(at)) return false;
  }
  return true;
}

/** True when a word is a name that is given in lower case. */
export function wordIs(word: Bytes, lowerName: Bytes): boolean {
  if (word.length !== lowerName.length) return false;
  for (let at = 0; at < lowerName.length; at++) {
    if (lowerCode(word.charCodeAt(at)) !== lowerName.charCodeAt(at)) return false;
  }
  return true;
}

function lowerCode(code: number): number {
  return code >= 65 && code <= 90 ? code + 32 : code;
}
