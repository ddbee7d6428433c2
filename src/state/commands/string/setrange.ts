// SETRANGE key offset value

import { errors } from "../../../resp/errors.ts";
import { strings } from "../../keyspace/strings.ts";
import { isError } from "../../keyspace/views.ts";
import { word } from "../../parse/arguments.ts";
import { clampToSafe, parseInteger } from "../../parse/integers.ts";
import { keyArgument, valueArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { lengthProblem } from "./shared.ts";

export const setrange: WriteCommand = {
  kind: "write",
  name: "setrange",
  summary: "Overwrites a string from an offset on; what is missing before it becomes zero bytes.",
  since: "2.2.0",
  group: "string",
  complexity: "O(N), the length of the piece.",
  arity: 4,
  flags: ["denyoom"],
  categories: ["string"],
  keys: oneKey("RW", "update"),
  arguments: [keyArgument, { name: "offset", type: "integer" }, valueArgument],
  apply(db, args) {
    const key = word(args, 1);
    const offset = parseInteger(word(args, 2));
    if (offset === undefined) return errors.notAnInteger;
    if (offset < 0) return errors.offsetOutOfRange;
    const current = db.edit(key, strings);
    if (isError(current)) return current;

    const piece = word(args, 3);
    if (piece.length === 0) return current.length;
    const start = clampToSafe(offset);
    const problem = lengthProblem(start + piece.length);
    if (problem !== null) return problem;
    current.write(start, piece);
    return current.length;
  },
};
