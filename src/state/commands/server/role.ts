// ROLE

import type { SessionCommand } from "../spec.ts";
import { otherMembers } from "./members.ts";

export const role: SessionCommand = {
  kind: "session",
  name: "role",
  summary: "Answers this node's part in replication and the other members.",
  since: "2.8.12",
  group: "server",
  complexity: "O(N) in the number of members",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  run({ server }) {
    const status = server.raft.status();
    const replicas = otherMembers(status).map(({ host, port, offset }) => [
      host,
      port,
      String(offset),
    ]);
    return ["master", status.appliedIndex, replicas];
  },
};
