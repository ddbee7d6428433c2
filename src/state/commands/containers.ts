// What containers have in common with each other.

import type { Command } from "./spec.ts";

/** Subcommands by their own word, in the order in which COMMAND lists them. */
export function subcommandsOf(...list: readonly Command[]): ReadonlyMap<string, Command> {
  return new Map(list.map((command) => [command.name, command]));
}
