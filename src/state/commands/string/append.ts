// APPEND key value

import { word } from "../../arguments.ts";
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
    // V8 keeps a rope of the two, so a string that grows by small pieces is not copied every time.
    db.update(key, current + tail);
    return current.length + tail.length;
  },
};
