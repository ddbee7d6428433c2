// EXPIRETIME key

import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type ReadCommand } from "../spec.ts";
import { expireTime, toSeconds } from "./shared.ts";

export const expiretime: ReadCommand = {
  kind: "read",
  name: "expiretime",
  summary: "When a key dies, in Unix seconds.",
  since: "7.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 2,
  flags: ["fast"],
  touches: false,
  categories: ["keyspace"],
  keys: oneKey("RO", "access"),
  arguments: [keyArgument],
  read(db, args) {
    return toSeconds(expireTime(db, word(args, 1)));
  },
};
