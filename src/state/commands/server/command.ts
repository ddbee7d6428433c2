// COMMAND: what this server's commands are

import { subcommandsOf } from "../containers.ts";
import { commandInfo } from "../derive.ts";
import type { ContainerCommand } from "../spec.ts";
import { commandHelp } from "./command-help.ts";
import { commandCount, commandDocs, commandInfoOf } from "./command-info.ts";
import { commandGetkeys, commandGetkeysandflags } from "./command-keys.ts";
import { commandList } from "./command-list.ts";

export const command: ContainerCommand = {
  kind: "container",
  name: "command",
  summary: "Describes every command, and groups the commands about commands.",
  since: "2.8.13",
  group: "server",
  complexity: "O(N) in the number of commands",
  arity: -1,
  flags: ["loading", "stale"],
  categories: ["connection"],
  tips: ["nondeterministic_output_order"],
  subcommands: subcommandsOf(
    commandCount,
    commandDocs,
    commandGetkeys,
    commandGetkeysandflags,
    commandHelp,
    commandInfoOf,
    commandList,
  ),
  run: ({ commands }) => [...commands.values()].map(commandInfo),
};
