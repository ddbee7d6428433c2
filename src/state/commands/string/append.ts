// APPEND key value

import type { Bytes } from "../../../resp/reply.ts";
import { own } from "../../keyspace/own-bytes.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument, valueArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { lengthProblem } from "./shared.ts";

export const append: WriteCommand = {
  kind: "write",
  name: "append",
  summary: "Puts bytes at the end of the string at a key; a missing key counts as empty.",
  since: "2.0.0",
  group: "string",
  complexity: "O(1) amortized: the value is copied when it is next read.",
  arity: 3,
  flags: ["denyoom", "fast"],
  categories: ["string"],
  keys: oneKey("RW", "insert"),
  arguments: [keyArgument, valueArgument],
  apply(db, args) {
    const key = word(args, 1);
    const current = db.string(key);
    if (typeof current === "object") return current;
    const tail = word(args, 2);
    if (current === undefined) {
      db.update(key, tail);
      return tail.length;
    }
    const problem = lengthProblem(current.length + tail.length);
    if (problem !== null) return problem;
    db.update(key, grown(current, tail));
    return current.length + tail.length;
  },
};

/** The least growth after which a string is copied into one piece. */
const stepBytesMin = 128;

/**
 * V8 keeps a rope of the two, so a string that grows by small pieces is not copied every time. A piece
 * of a rope costs 32 bytes and more: each time a string has grown by about an eighth it becomes flat.
 */
function grown(current: Bytes, tail: Bytes): Bytes {
  const length = current.length + tail.length;
  const step = Math.max(stepBytesMin, 2 ** (28 - Math.clz32(length)));
  const isDue = Math.floor(current.length / step) !== Math.floor(length / step);
  return isDue ? own(current + tail) : current + tail;
}
