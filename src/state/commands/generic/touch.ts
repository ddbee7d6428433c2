// TOUCH key [key ...]

import { allKeys, keyArguments } from "../declare.ts";
import type { ReadCommand } from "../spec.ts";
import { countPresent } from "./shared.ts";

export const touch: ReadCommand = {
  kind: "read",
  name: "touch",
  summary: "How many of the keys exist. Times of access are not kept.",
  since: "3.2.1",
  group: "generic",
  complexity: "O(N), the number of keys.",
  arity: -2,
  flags: ["fast"],
  touches: true,
  categories: ["keyspace"],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  keys: allKeys("RO"),
  arguments: [keyArguments],
  read(db, args) {
    return countPresent(db, args);
  },
};
