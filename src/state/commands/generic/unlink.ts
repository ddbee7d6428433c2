// UNLINK key [key ...]

import { allKeys, keyArguments } from "../declare.ts";
import type { WriteCommand } from "../spec.ts";
import { deleteAll } from "./shared.ts";

export const unlink: WriteCommand = {
  kind: "write",
  name: "unlink",
  summary: "Removes keys as DEL does; here the two are one.",
  since: "4.0.0",
  group: "generic",
  complexity: "O(N), the number of keys.",
  arity: -2,
  flags: ["fast"],
  categories: ["keyspace"],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  keys: allKeys("RM", "delete"),
  arguments: [keyArguments],
  apply(db, args) {
    return deleteAll(db, args);
  },
};
