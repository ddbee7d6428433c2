// CONFIG HELP

import { helpReply } from "../help.ts";
import type { SessionCommand } from "../spec.ts";

const lines = [
  "GET <pattern>",
  "    Return parameters matching the glob-like <pattern> and their values.",
  "SET <directive> <value>",
  "    Set the configuration <directive> to <value>.",
  "RESETSTAT",
  "    Reset statistics reported by the INFO command.",
  "REWRITE",
  "    Rewrite the configuration file.",
];

export const configHelp: SessionCommand = {
  kind: "session",
  name: "help",
  summary: "Explains the subcommands.",
  since: "5.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale"],
  run: () => helpReply("CONFIG", lines),
};
