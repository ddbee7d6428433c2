// STRLEN key

import { strings } from "../../keyspace/strings.ts";
import { isError } from "../../keyspace/views.ts";
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
    const current = db.read(word(args, 1), strings);
    return isError(current) ? current : (current?.length ?? 0);
  },
};
