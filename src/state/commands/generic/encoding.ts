// Which encoding Redis would tell for a string: what it was set to, or raw once it was changed in place.

import type { StringHandle } from "../../keyspace/strings.ts";
import { parseInteger } from "../../parse/integers.ts";

/** Redis keeps a string up to this length in one allocation with its header. */
const embeddedBytesMax = 44;

export function encodingOf(value: StringHandle): "int" | "embstr" | "raw" {
  if (value.isRaw || value.length > embeddedBytesMax) return "raw";
  return parseInteger(value.slice(0, value.length)) === undefined ? "embstr" : "int";
}
