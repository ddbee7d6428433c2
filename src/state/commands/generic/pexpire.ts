// PEXPIRE key time [NX | XX | GT | LT]

import { milliseconds } from "../../parse/expiry.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { expire, expireCondition } from "./shared.ts";

export const pexpire: WriteCommand = {
  kind: "write",
  name: "pexpire",
  summary: "Lets a key die so many milliseconds from now.",
  since: "2.6.0",
  group: "generic",
  complexity: "O(1)",
  history: [["7.0.0", "Options `NX`, `XX`, `GT` and `LT`."]],
  arity: -3,
  flags: ["fast"],
  categories: ["keyspace"],
  keys: oneKey("RW", "update"),
  arguments: [keyArgument, { name: "milliseconds", type: "integer" }, expireCondition],
  apply(db, args) {
    return expire(db, args, milliseconds, "pexpire");
  },
};
