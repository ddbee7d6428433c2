// EXISTS key [key ...]

import { allKeys, keyArguments } from "../declare.ts";
import type { ReadCommand } from "../spec.ts";
import { countPresent } from "./shared.ts";

export const exists: ReadCommand = {
  kind: "read",
  name: "exists",
  summary: "How many of the keys exist; one named twice counts twice.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(N), the number of keys.",
  history: [["3.0.3", "Takes several keys."]],
  arity: -2,
  flags: ["fast"],
  touches: false,
  categories: ["keyspace"],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  keys: allKeys("RO"),
  arguments: [keyArguments],
  read(db, args) {
    return countPresent(db, args);
  },
};
