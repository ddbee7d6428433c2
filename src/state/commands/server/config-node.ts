// CONFIG RESETSTAT, CONFIG REWRITE

import { ok } from "../../../resp/reply.ts";
import type { SessionCommand } from "../spec.ts";

export const configResetstat: SessionCommand = {
  kind: "session",
  name: "resetstat",
  summary: "Sets the counters of INFO to zero.",
  since: "2.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],
  run({ server }) {
    server.stats.reset();
    return ok;
  },
};

export const configRewrite: SessionCommand = {
  kind: "session",
  name: "rewrite",
  summary: "Writes the current options into the configuration file.",
  since: "2.8.0",
  group: "server",
  complexity: "O(1)",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],
  run: async ({ server }) => (await server.config.rewrite()) ?? ok,
};
