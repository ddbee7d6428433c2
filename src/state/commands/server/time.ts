// TIME

import type { SessionCommand } from "../spec.ts";

const microsPerSecond = 1_000_000n;

export const time: SessionCommand = {
  kind: "session",
  name: "time",
  summary: "Answers this node's clock.",
  since: "2.6.0",
  group: "server",
  complexity: "O(1)",
  arity: 1,
  flags: ["loading", "stale", "fast"],
  tips: ["nondeterministic_output"],
  run({ server }) {
    const now = server.nowMicros();
    return [String(now / microsPerSecond), String(now % microsPerSecond)];
  },
};
