// GETDEL key

import { isError } from "../../keyspace/views.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";

export const getdel: WriteCommand = {
  kind: "write",
  name: "getdel",
  summary: "The string at a key, which is then removed.",
  since: "6.2.0",
  group: "string",
  complexity: "O(1)",
  arity: 2,
  flags: ["fast"],
  categories: ["string"],
  keys: oneKey("RW", "access", "delete"),
  arguments: [keyArgument],
  apply(db, args) {
    const key = word(args, 1);
    const current = db.string(key);
    if (current === undefined) return null;
    if (!isError(current)) db.delete(key);
    return current;
  },
};
