// Runs session commands as a node does: lookup, arity, then the command itself.

import { assert } from "../../src/assert.ts";
import { errors } from "../../src/resp/errors.ts";
import type { Reply } from "../../src/resp/reply.ts";
import { clusterCommands } from "../../src/state/commands/cluster/family.ts";
import { connectionCommands } from "../../src/state/commands/connection/family.ts";
import { arityFits, fullName } from "../../src/state/commands/derive.ts";
import { findCommand, unknownCommand } from "../../src/state/commands/lookup.ts";
import { serverCommands } from "../../src/state/commands/server/family.ts";
import type { Command, CommandTable } from "../../src/state/commands/spec.ts";
import { index } from "../../src/state/commands/table.ts";
import { type FakeContext, fakeContext } from "./session-context.ts";

/** The three families of session commands alone. */
export const sessionTable: CommandTable = index([
  ...connectionCommands,
  ...clusterCommands,
  ...serverCommands,
]);

export class SessionRunner {
  readonly context: FakeContext;

  constructor(id = 1) {
    this.context = fakeContext(sessionTable, id);
  }

  /** @param words the request, word by word */
  async run(...words: readonly string[]): Promise<Reply> {
    const command = findCommand(sessionTable, words);
    if (command === undefined) return unknownCommand(sessionTable, words);
    if (!arityFits(command, words.length)) return errors.arity(fullName(command));
    assert(command.kind === "session" || command.kind === "container", "no command about data");
    assert(command.run !== undefined, "a container that the arity lets through can run");
    return await command.run(this.context, words);
  }
}

/** The names of the three families, subcommands included. */
export function allCommands(): readonly Command[] {
  return [...sessionTable.values()].flatMap((command) =>
    command.kind === "container" ? [command, ...command.subcommands.values()] : [command],
  );
}
