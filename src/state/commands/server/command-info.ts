// COMMAND COUNT, COMMAND INFO [name ...], COMMAND DOCS [name ...]

import { MapReply, type Reply } from "../../../resp/reply.ts";
import { commandInfo, commandDocs as docsOf, fullName } from "../derive.ts";
import { findByFullName } from "../lookup.ts";
import type { Command, SessionCommand } from "../spec.ts";

export const commandCount: SessionCommand = {
  kind: "session",
  name: "count",
  summary: "Counts the commands.",
  since: "2.8.13",
  group: "server",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale"],
  categories: ["connection"],
  run: ({ commands }) => commands.size,
};

export const commandInfoOf: SessionCommand = {
  kind: "session",
  name: "info",
  summary: "Describes the named commands, or all of them.",
  since: "2.8.13",
  group: "server",
  complexity: "O(N) in the number of names",
  history: [["7.0.0", "Without a name it describes all commands."]],
  arity: -2,
  flags: ["loading", "stale"],
  categories: ["connection"],
  tips: ["nondeterministic_output_order"],
  arguments: [{ name: "command-name", type: "string", flags: ["optional", "multiple"] }],
  run({ commands }, args) {
    if (args.length === 2) return [...commands.values()].map(commandInfo);
    return args.slice(2).map((name): Reply => {
      const found = findByFullName(commands, name);
      return found === undefined ? null : commandInfo(found);
    });
  },
};

export const commandDocs: SessionCommand = {
  kind: "session",
  name: "docs",
  summary: "Answers the documentation of commands.",
  since: "7.0.0",
  group: "server",
  complexity: "O(N) in the number of names",
  arity: -2,
  flags: ["loading", "stale"],
  categories: ["connection"],
  tips: ["nondeterministic_output_order"],
  arguments: [{ name: "command-name", type: "string", flags: ["optional", "multiple"] }],
  run({ commands }, args) {
    const chosen =
      args.length === 2
        ? [...commands.values()]
        : args.slice(2).flatMap((name): Command[] => {
            const found = findByFullName(commands, name);
            return found === undefined ? [] : [found];
          });
    return new MapReply(chosen.map((command) => [fullName(command), docsOf(command)]));
  },
};
