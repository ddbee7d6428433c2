// PEXPIRETIME key

import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type ReadCommand } from "../spec.ts";
import { expireTime } from "./shared.ts";

export const pexpiretime: ReadCommand = {
  kind: "read",
  name: "pexpiretime",
  summary: "When a key dies, in Unix milliseconds.",
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
    return expireTime(db, word(args, 1));
  },
};
