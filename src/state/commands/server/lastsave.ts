// LASTSAVE

import type { SessionCommand } from "../spec.ts";

export const lastsave: SessionCommand = {
  kind: "session",
  name: "lastsave",
  summary: "Answers when the last checkpoint was finished, in Unix seconds.",
  since: "1.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 1,
  flags: ["loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  tips: ["nondeterministic_output"],
  run: ({ server }) => server.lastCheckpointSeconds,
};
