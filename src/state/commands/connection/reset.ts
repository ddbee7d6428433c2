// RESET

import { SimpleString } from "../../../resp/reply.ts";
import type { SessionCommand } from "../spec.ts";

export const reset: SessionCommand = {
  kind: "session",
  name: "reset",
  summary: "Makes the connection what it was when it was accepted.",
  since: "6.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  categories: ["connection"],
  run({ client }) {
    client.reset();
    return new SimpleString("RESET");
  },
};
