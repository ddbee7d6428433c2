// DBSIZE

import type { ReadCommand } from "../spec.ts";

export const dbsize: ReadCommand = {
  kind: "read",
  name: "dbsize",
  summary: "Counts the keys of the current database.",
  since: "1.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 1,
  flags: ["fast"],
  categories: ["keyspace"],
  tips: ["request_policy:all_shards", "response_policy:agg_sum"],
  read: (db) => db.size,
};
