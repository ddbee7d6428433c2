// SETEX key seconds value

import { ok } from "../../../resp/reply.ts";
import { seconds } from "../../parse/expiry.ts";
import { keyArgument, valueArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { setWithExpiry } from "./shared.ts";

const rule = { command: "setex", positive: true } as const;

export const setex: WriteCommand = {
  kind: "write",
  name: "setex",
  summary: "Writes a string that lives so many seconds.",
  since: "2.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 4,
  flags: ["denyoom"],
  categories: ["string"],
  keys: oneKey("OW", "update"),
  arguments: [keyArgument, { name: "seconds", type: "integer" }, valueArgument],
  apply(db, args) {
    return setWithExpiry(db, args, seconds, rule) ?? ok;
  },
};
