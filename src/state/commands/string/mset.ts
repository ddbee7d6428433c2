// MSET key value [key value ...]

import { errors } from "../../../resp/errors.ts";
import { pairArguments, pairedKeys } from "../declare.ts";
import type { WriteCommand } from "../spec.ts";
import { replacePairs } from "./shared.ts";

export const mset: WriteCommand = {
  kind: "write",
  name: "mset",
  summary: "Writes several strings in one step.",
  since: "1.0.1",
  group: "string",
  complexity: "O(N), the number of keys.",
  arity: -3,
  flags: ["denyoom"],
  categories: ["string"],
  tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],
  keys: pairedKeys("OW", "update"),
  arguments: [pairArguments],
  apply(db, args) {
    if (args.length % 2 === 0) return errors.arity("mset");
    return replacePairs(db, args);
  },
};
