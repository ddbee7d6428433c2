// From the words of a request to the command that runs.

import { errors } from "../../resp/errors.ts";
import type { Bytes, ErrorReply } from "../../resp/reply.ts";
import { type Arguments, word } from "../parse/arguments.ts";
import type { Command, CommandTable } from "./spec.ts";

/**
 * Finds commands by name in any case. The usual spellings need no conversion: it runs for every request.
 */
export class CommandFinder {
  readonly #table: CommandTable;
  readonly #spellings = new Map<Bytes, Command>();

  constructor(table: CommandTable) {
    this.#table = table;
    for (const [name, command] of table) {
      this.#spellings.set(name, command);
      this.#spellings.set(name.toUpperCase(), command);
    }
  }

  /**
   * The command, or the subcommand that the second word names. A container alone is found as itself (its
   * arity then refuses the request). Undefined when there is none: `unknownCommand` says why.
   */
  find(args: Arguments): Command | undefined {
    const name = word(args, 0);
    const command = this.#spellings.get(name) ?? this.#table.get(name.toLowerCase());
    return command?.kind === "container" ? subcommand(command, args) : command;
  }
}

/** As `CommandFinder.find`, for callers that look up seldom. */
export function findCommand(table: CommandTable, args: Arguments): Command | undefined {
  const command = table.get(word(args, 0).toLowerCase());
  return command?.kind === "container" ? subcommand(command, args) : command;
}

/** A command by its full name, as COMMAND INFO and DOCS take it: "get" or "config|get". */
export function findByFullName(table: CommandTable, fullName: Bytes): Command | undefined {
  const words = fullName.split("|");
  const command = table.get(word(words, 0).toLowerCase());
  if (words.length === 1) return command;
  return words.length === 2 && command?.kind === "container"
    ? subcommand(command, words)
    : undefined;
}

function subcommand(
  container: Extract<Command, { readonly kind: "container" }>,
  args: Arguments,
): Command | undefined {
  const name = args[1];
  return name === undefined ? container : container.subcommands.get(name.toLowerCase());
}

/** The reply to a request that names no command. */
export function unknownCommand(table: CommandTable, args: Arguments): ErrorReply {
  const name = word(args, 0);
  const second = args[1];
  return second !== undefined && table.get(name.toLowerCase())?.kind === "container"
    ? errors.unknownSubcommand(name, second)
    : errors.unknownCommand(args);
}
