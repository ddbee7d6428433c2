// RAFT HELP

import { helpReply } from "../help.ts";
import type { SessionCommand } from "../spec.ts";

const lines = [
  "ADD <client-host:port> <peer-host:port>",
  "    Admit a node as a learner; it votes once it has caught up.",
  "REMOVE <id>",
  "    Take a member out of the cluster.",
  "STATUS",
  "    Return this node's part in the cluster, and its members.",
  "TRANSFER [<id>]",
  "    Hand leadership to a member, by default to the one that is furthest along.",
];

export const raftHelp: SessionCommand = {
  kind: "session",
  name: "help",
  summary: "Explains the subcommands.",
  since: "0.1.0",
  group: "cluster",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale"],
  run: () => helpReply("RAFT", lines),
};
