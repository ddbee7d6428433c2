// PSETEX key milliseconds value

import { ok } from "../../../resp/reply.ts";
import { milliseconds } from "../../parse/expiry.ts";
import { keyArgument, valueArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { setWithExpiry } from "./shared.ts";

const rule = { command: "psetex", positive: true } as const;

export const psetex: WriteCommand = {
  kind: "write",
  name: "psetex",
  summary: "Writes a string that lives so many milliseconds.",
  since: "2.6.0",
  group: "string",
  complexity: "O(1)",
  arity: 4,
  flags: ["denyoom"],
  categories: ["string"],
  keys: oneKey("OW", "update"),
  arguments: [keyArgument, { name: "milliseconds", type: "integer" }, valueArgument],
  apply(db, args) {
    return setWithExpiry(db, args, milliseconds, rule) ?? ok;
  },
};
