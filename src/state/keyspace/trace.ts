// A running digest of what entries did: nodes whose traces differ have applied the same log differently.

import type { Reply } from "../../resp/reply.ts";

/** The trace after one more word; the order of the words counts. Both are 32 bits, signed. */
export function traced(trace: number, word: number): number {
  const mixed = Math.imul(trace ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

/** A reply in few bits: the whole of a number, the length and the last byte of a text. */
export function replyWord(reply: Reply): number {
  if (typeof reply === "number") return reply | 0;
  if (typeof reply === "string") return textWord(reply);
  if (typeof reply === "bigint") return Number(BigInt.asIntN(32, reply));
  return objectWord(reply);
}

function objectWord(reply: Exclude<Reply, string | number | bigint>): number {
  if (reply === null) return -1;
  if ("text" in reply) return ~textWord(reply.text);
  return Array.isArray(reply) ? reply.length : 1;
}

function textWord(text: string): number {
  return (text.length << 8) ^ (text.length === 0 ? 0 : text.charCodeAt(text.length - 1));
}
