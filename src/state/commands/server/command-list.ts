// COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]

import { errors } from "../../../resp/errors.ts";
import { word } from "../../parse/arguments.ts";
import { matchesGlob } from "../../parse/glob.ts";
import { categoriesOf, fullName } from "../derive.ts";
import type { Command, CommandTable, SessionCommand } from "../spec.ts";

export const commandList: SessionCommand = {
  kind: "session",
  name: "list",
  summary: "Lists the names of commands.",
  since: "7.0.0",
  group: "server",
  complexity: "O(N) in the number of commands",
  arity: -2,
  flags: ["loading", "stale"],
  categories: ["connection"],
  tips: ["nondeterministic_output_order"],
  arguments: [
    {
      name: "filterby",
      type: "oneof",
      token: "FILTERBY",
      flags: ["optional"],
      arguments: [
        { name: "module-name", type: "string", token: "MODULE" },
        { name: "category", type: "string", token: "ACLCAT" },
        { name: "pattern", type: "pattern", token: "PATTERN" },
      ],
    },
  ],
  run({ commands }, args) {
    if (args.length === 2) return names(commands, () => true);
    if (args.length !== 5 || word(args, 2).toLowerCase() !== "filterby") return errors.syntax;
    const value = word(args, 4);
    switch (word(args, 3).toLowerCase()) {
      case "module":
        return []; // No command comes from a module.
      case "aclcat":
        return names(commands, (command) => categoriesOf(command).includes(value.toLowerCase()));
      case "pattern":
        return names(commands, (command) => matchesGlob(value, fullName(command), true));
      default:
        return errors.syntax;
    }
  },
};

/** Full names of the commands and subcommands that fit. */
function names(commands: CommandTable, fits: (command: Command) => boolean): string[] {
  return [...commands.values()]
    .flatMap((command) =>
      command.kind === "container" ? [command, ...command.subcommands.values()] : [command],
    )
    .filter(fits)
    .map(fullName);
}
