// EXPIREAT key time [NX | XX | GT | LT]

import { unixSeconds } from "../../parse/expiry.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { expire, expireCondition } from "./shared.ts";

export const expireat: WriteCommand = {
  kind: "write",
  name: "expireat",
  summary: "Lets a key die at a Unix time in seconds.",
  since: "1.2.0",
  group: "generic",
  complexity: "O(1)",
  history: [["7.0.0", "Options `NX`, `XX`, `GT` and `LT`."]],
  arity: -3,
  flags: ["fast"],
  categories: ["keyspace"],
  keys: oneKey("RW", "update"),
  arguments: [keyArgument, { name: "unix-time-seconds", type: "unix-time" }, expireCondition],
  apply(db, args) {
    return expire(db, args, unixSeconds, "expireat");
  },
};
