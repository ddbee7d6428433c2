// Which encoding Redis would choose for a string: it follows from the value alone here.

import type { Value } from "../../keyspace/views.ts";
import { parseInteger } from "../../parse/integers.ts";

/** Redis keeps a string up to this length in one allocation with its header. */
const embeddedBytesMax = 44;

/** In Redis a string that was changed in place (APPEND, SETRANGE) is `raw` whatever it holds. */
export function encodingOf(value: Value): "int" | "embstr" | "raw" {
  if (parseInteger(value) !== undefined) return "int";
  return value.length <= embeddedBytesMax ? "embstr" : "raw";
}
