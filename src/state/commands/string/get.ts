// GET key

import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type ReadCommand } from "../spec.ts";

export const get: ReadCommand = {
  kind: "read",
  name: "get",
  summary: "The string at a key.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 2,
  flags: ["fast"],
  categories: ["string"],
  keys: oneKey("RO", "access"),
  arguments: [keyArgument],
  read(db, args) {
    return db.string(word(args, 1)) ?? null;
  },
};
