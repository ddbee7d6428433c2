// GETRANGE and SUBSTR: a part of a string by positions that may count from its end.

import { errors } from "../../../resp/errors.ts";
import type { Reply } from "../../../resp/reply.ts";
import { strings } from "../../keyspace/strings.ts";
import { isError, type ReadView } from "../../keyspace/views.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { clampToSafe, parseInteger } from "../../parse/integers.ts";

/** Key, first and last position, both included; -1 is the last byte. */
export function stringRange(db: ReadView, args: Arguments): Reply {
  const from = parseInteger(word(args, 2));
  const to = parseInteger(word(args, 3));
  if (from === undefined || to === undefined) return errors.notAnInteger;
  const current = db.read(word(args, 1), strings);
  if (isError(current)) return current;
  if (current === undefined || (from < 0 && to < 0 && from > to)) return "";
  const first = position(clampToSafe(from), current.length);
  const last = Math.min(position(clampToSafe(to), current.length), current.length - 1);
  return first > last ? "" : current.slice(first, last + 1);
}

/** Positions before the start mean the start. */
function position(at: number, length: number): number {
  return at < 0 ? Math.max(0, length + at) : at;
}
