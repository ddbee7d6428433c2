// The words of one request. Parsing of numbers, ranges and options lives beside them.

import { assert } from "../../assert.ts";
import type { Bytes } from "../../resp/reply.ts";

/** Every word of a request as it came; word 0 is the command's name in the client's spelling. */
export type Arguments = readonly Bytes[];

/** The word at a place that the declared arity guarantees. A missing one is our bug. */
export function word(args: Arguments, at: number): Bytes {
  const value = args[at];
  assert(value !== undefined, "admission has checked the arity");
  return value;
}
