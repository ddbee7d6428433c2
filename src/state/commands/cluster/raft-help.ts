// RAFT HELP

import { helpReply } from "../help.ts";
import type { SessionCommand } from "../spec.ts";

const lines = [
  "ADD <client-host:port> <peer-host:port> [<directory>]",
  "    Admit a node as a learner; it votes once it has caught up. A node that is started",
  "    with --join asks for this itself, and names its data directory by 32 random hex",
  "    digits: no other directory is given its id. Return what it needs to start.",
  "REMOVE <id>",
  "    Take a member out of the cluster, a dead one or the leader too. Refused when those",
  "    who stay and answer are no majority. Its id is never used again.",
  "STATUS",
  "    Return this node's part in the cluster, and its members.",
  "TRANSFER [<id>]",
  "    Hand leadership to a member, by default to the one that is furthest along. Return",
  "    when it leads.",
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
