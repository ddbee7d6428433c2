// BGSAVE [SCHEDULE]

import { errors } from "../../../resp/errors.ts";
import { SimpleString } from "../../../resp/reply.ts";
import type { SessionCommand } from "../spec.ts";

const started = new SimpleString("Background saving started");

export const bgsave: SessionCommand = {
  kind: "session",
  name: "bgsave",
  summary: "Starts to write a checkpoint.",
  since: "1.0.0",
  group: "server",
  complexity: "O(1)",
  history: [["3.2.2", "The `SCHEDULE` option."]],
  arity: -1,
  flags: ["admin", "noscript", "no_async_loading"],
  arguments: [
    {
      name: "schedule",
      type: "pure-token",
      token: "SCHEDULE",
      since: "3.2.2",
      flags: ["optional"],
    },
  ],
  run({ server }, args) {
    // In Redis, SCHEDULE waits for a rewrite of the AOF; nothing here stands in the way of a checkpoint.
    if (args.length > 2) return errors.syntax;
    if (args.length === 2 && args[1]?.toLowerCase() !== "schedule") return errors.syntax;
    if (server.checkpointRunning) return errors.saveInProgress;
    // The node reports a checkpoint that fails, and ends when its disk fails; no client waits for this one.
    server.checkpoint().catch(() => undefined);
    return started;
  },
};
