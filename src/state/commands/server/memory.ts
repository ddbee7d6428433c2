// MEMORY subcommand ...

import { subcommandsOf } from "../containers.ts";
import type { ContainerCommand } from "../spec.ts";
import { memoryDoctor } from "./memory-doctor.ts";
import { memoryHelp } from "./memory-help.ts";
import { memoryMallocStats, memoryPurge } from "./memory-node.ts";
import { memoryStats } from "./memory-stats.ts";
import { memoryUsage } from "./memory-usage.ts";

export const memory: ContainerCommand = {
  kind: "container",
  name: "memory",
  summary: "What keys and this node take of memory.",
  since: "4.0.0",
  group: "server",
  complexity: "Depends on the subcommand.",
  arity: -2,
  flags: [],
  subcommands: subcommandsOf(
    memoryDoctor,
    memoryHelp,
    memoryMallocStats,
    memoryPurge,
    memoryStats,
    memoryUsage,
  ),
};
