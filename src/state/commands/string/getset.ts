// GETSET key value

import { isError } from "../../keyspace/views.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument, valueArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";

export const getset: WriteCommand = {
  kind: "write",
  name: "getset",
  summary: "Writes a string and answers the one that was there.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  deprecated: { since: "6.2.0", replacedBy: "`SET` with the `!GET` argument" },
  docFlags: ["deprecated"],
  arity: 3,
  flags: ["denyoom", "fast"],
  categories: ["string"],
  keys: oneKey("RW", "access", "update"),
  arguments: [keyArgument, valueArgument],
  apply(db, args) {
    const key = word(args, 1);
    const current = db.string(key);
    if (isError(current)) return current;
    db.replace(key, word(args, 2));
    return current ?? null;
  },
};
