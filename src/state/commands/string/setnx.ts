// SETNX key value

import { word } from "../../parse/arguments.ts";
import { keyArgument, valueArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";

export const setnx: WriteCommand = {
  kind: "write",
  name: "setnx",
  summary: "Writes a string if the key does not exist.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["denyoom", "fast"],
  categories: ["string"],
  keys: oneKey("OW", "insert"),
  arguments: [keyArgument, valueArgument],
  apply(db, args) {
    const key = word(args, 1);
    if (db.has(key)) return 0;
    db.replace(key, word(args, 2));
    return 1;
  },
};
