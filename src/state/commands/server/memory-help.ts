// MEMORY HELP

import { helpReply } from "../help.ts";
import type { SessionCommand } from "../spec.ts";

const lines = [
  "DOCTOR",
  "    Return memory problems reports.",
  "MALLOC-STATS",
  "    Return internal statistics report from the memory allocator.",
  "PURGE",
  "    Attempt to purge dirty pages for reclamation by the allocator.",
  "STATS",
  "    Return information about the memory usage of the server.",
  "USAGE <key> [SAMPLES <count>]",
  "    Return memory in bytes used by <key> and its value. Nested values are",
  "    sampled up to <count> times (default: 5, 0 means sample all).",
];

export const memoryHelp: SessionCommand = {
  kind: "session",
  name: "help",
  summary: "Explains the subcommands.",
  since: "4.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale"],
  run: () => helpReply("MEMORY", lines),
};
