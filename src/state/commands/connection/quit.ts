// QUIT

import { ok } from "../../../resp/reply.ts";
import type { SessionCommand } from "../spec.ts";

export const quit: SessionCommand = {
  kind: "session",
  name: "quit",
  summary: "Closes the connection.",
  since: "1.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: -1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  categories: ["connection"],
  run({ client }) {
    client.closeAfterReply();
    return ok;
  },
};
