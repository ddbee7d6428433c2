// FLUSHALL [ASYNC | SYNC]

import { databaseCount } from "../../../constants.ts";
import { errors } from "../../../resp/errors.ts";
import { ok } from "../../../resp/reply.ts";
import type { WriteCommand } from "../spec.ts";
import { isFlushMode } from "./flush-mode.ts";

export const flushall: WriteCommand = {
  kind: "write",
  name: "flushall",
  summary: "Removes every key of every database.",
  since: "1.0.0",
  group: "server",
  complexity: "O(1); the memory is freed later",
  history: [
    ["4.0.0", "The `ASYNC` mode."],
    ["6.2.0", "The `SYNC` mode."],
  ],
  arity: -1,
  flags: [],
  categories: ["keyspace", "dangerous"],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  arguments: [
    {
      name: "async",
      type: "oneof",
      flags: ["optional"],
      arguments: [
        { name: "async", type: "pure-token", token: "ASYNC", since: "4.0.0" },
        { name: "sync", type: "pure-token", token: "SYNC", since: "6.2.0" },
      ],
    },
  ],
  apply(db, args) {
    if (!isFlushMode(args)) return errors.syntax;
    for (let index = 0; index < databaseCount; index += 1) db.select(index).clear();
    return ok;
  },
};
