// RAFT: the cluster's members and their state

import { subcommandsOf } from "../containers.ts";
import type { ContainerCommand } from "../spec.ts";
import { raftAdd, raftRemove, raftTransfer } from "./membership.ts";
import { raftHelp } from "./raft-help.ts";
import { raftStatus } from "./status.ts";

export const raft: ContainerCommand = {
  kind: "container",
  name: "raft",
  summary: "Groups the commands about this cluster and its members.",
  since: "0.1.0",
  group: "cluster",
  complexity: "Depends on the subcommand.",
  arity: -2,
  flags: [],
  subcommands: subcommandsOf(raftAdd, raftHelp, raftRemove, raftStatus, raftTransfer),
};
