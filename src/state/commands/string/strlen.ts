// STRLEN key

import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type ReadCommand } from "../spec.ts";

export const strlen: ReadCommand = {
  kind: "read",
  name: "strlen",
  summary: "How many bytes the string at a key has.",
  since: "2.2.0",
  group: "string",
  complexity: "O(1)",
  arity: 2,
  flags: ["fast"],
  categories: ["string"],
  keys: oneKey("RO"),
  arguments: [keyArgument],
  read(db, args) {
    const current = db.string(word(args, 1)) ?? "";
    return typeof current === "object" ? current : current.length;
  },
};
