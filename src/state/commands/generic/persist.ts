// PERSIST key

import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";

export const persist: WriteCommand = {
  kind: "write",
  name: "persist",
  summary: "Removes the expiry of a key.",
  since: "2.2.0",
  group: "generic",
  complexity: "O(1)",
  arity: 2,
  flags: ["fast"],
  categories: ["keyspace"],
  keys: oneKey("RW", "update"),
  arguments: [keyArgument],
  apply(db, args) {
    return db.persist(word(args, 1)) ? 1 : 0;
  },
};
