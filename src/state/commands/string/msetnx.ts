// MSETNX key value [key value ...]

import { errors } from "../../../resp/errors.ts";
import { pairArguments, pairedKeys } from "../declare.ts";
import type { WriteCommand } from "../spec.ts";
import { replaceIfNone } from "./shared.ts";

export const msetnx: WriteCommand = {
  kind: "write",
  name: "msetnx",
  summary: "Writes several strings in one step, if none of the keys exists.",
  since: "1.0.1",
  group: "string",
  complexity: "O(N), the number of keys.",
  arity: -3,
  flags: ["denyoom"],
  categories: ["string"],
  tips: ["request_policy:multi_shard", "response_policy:agg_min"],
  keys: pairedKeys("OW", "insert"),
  arguments: [pairArguments],
  apply(db, args) {
    if (args.length % 2 === 0) return errors.arity("msetnx");
    return replaceIfNone(db, args);
  },
};
