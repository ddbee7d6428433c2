// EXPIRE key time [NX | XX | GT | LT]

import { seconds } from "../../parse/expiry.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { expireCondition, expire as expireKey } from "./shared.ts";

export const expire: WriteCommand = {
  kind: "write",
  name: "expire",
  summary: "Lets a key die so many seconds from now.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(1)",
  history: [["7.0.0", "Options `NX`, `XX`, `GT` and `LT`."]],
  arity: -3,
  flags: ["fast"],
  categories: ["keyspace"],
  keys: oneKey("RW", "update"),
  arguments: [keyArgument, { name: "seconds", type: "integer" }, expireCondition],
  apply(db, args) {
    return expireKey(db, args, seconds, "expire");
  },
};
