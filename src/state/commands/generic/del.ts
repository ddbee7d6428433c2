// DEL key [key ...]

import { allKeys, keyArguments } from "../declare.ts";
import type { WriteCommand } from "../spec.ts";
import { deleteAll } from "./shared.ts";

export const del: WriteCommand = {
  kind: "write",
  name: "del",
  summary: "Removes keys; answers how many there were.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(N), the number of keys.",
  arity: -2,
  flags: [],
  categories: ["keyspace"],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  keys: allKeys("RM", "delete"),
  arguments: [keyArguments],
  apply(db, args) {
    return deleteAll(db, args);
  },
};
