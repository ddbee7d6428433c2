// RANDOMKEY

import type { ReadCommand } from "../spec.ts";

export const randomkey: ReadCommand = {
  kind: "read",
  name: "randomkey",
  summary: "A key of the database, each with the same chance.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 1,
  flags: [],
  categories: ["keyspace"],
  tips: ["request_policy:all_shards", "nondeterministic_output"],
  read(db, _args, at) {
    return db.randomKey(() => at.random()) ?? null;
  },
};
