// CLIENT ID

import type { SessionCommand } from "../spec.ts";

export const clientId: SessionCommand = {
  kind: "session",
  name: "id",
  summary: "Answers this connection's number.",
  since: "5.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  run: ({ client }) => client.id,
};
