// APPEND key value

import { strings } from "../../keyspace/strings.ts";
import { isError } from "../../keyspace/views.ts";
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
  complexity: "O(N), the number of bytes appended.",
  arity: 3,
  flags: ["denyoom", "fast"],
  categories: ["string"],
  keys: oneKey("RW", "insert"),
  arguments: [keyArgument, valueArgument],
  apply(db, args) {
    const key = word(args, 1);
    const tail = word(args, 2);
    const current = db.edit(key, strings);
    if (isError(current)) return current;
    const length = current.length + tail.length;
    const problem = lengthProblem(length);
    if (problem !== null) return problem;
    if (current.isVacant) db.update(key, tail);
    else current.write(current.length, tail);
    return length;
  },
};
