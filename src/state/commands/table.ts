// Every command of the server by its name, checked once at start.

import { assert } from "../../assert.ts";
import { clusterCommands } from "./cluster/family.ts";
import { connectionCommands } from "./connection/family.ts";
import { genericCommands } from "./generic/family.ts";
import { serverCommands } from "./server/family.ts";
import type { Command, CommandTable } from "./spec.ts";
import { stringCommands } from "./string/family.ts";

export const commands: CommandTable = index([
  ...clusterCommands,
  ...connectionCommands,
  ...genericCommands,
  ...serverCommands,
  ...stringCommands,
]);

/** The table of a list; stops the process when a declaration contradicts itself. */
export function index(list: readonly Command[], container?: string): CommandTable {
  const table = new Map<string, Command>();
  for (const declared of list) {
    const command = complete(declared, container);
    const { name } = command;
    checkDeclaration(command);
    assert(!table.has(name), `${name}: declared once`);
    table.set(name, command);
  }
  return table;
}

/** Tells a subcommand its container, whose name belongs to its full name. */
function complete(command: Command, container: string | undefined): Command {
  const named = container === undefined ? command : { ...command, container };
  if (named.kind !== "container") return named;
  for (const [name, subcommand] of named.subcommands) {
    assert(name === subcommand.name, `${named.name} ${name}: found under its own name`);
    assert(subcommand.kind !== "container", `${named.name} ${name}: containers are one level deep`);
  }
  return { ...named, subcommands: index([...named.subcommands.values()], named.name) };
}

function checkDeclaration(command: Command): void {
  const { name, arity, keys = [], arguments: parameters = [] } = command;
  const words = command.container === undefined ? 1 : 2;
  assert(/^[a-z0-9_-]+$/.test(name), `${name}: names are lower case words`);
  assert(Math.abs(arity) >= words, `${name}: arity counts the words of the name`);
  assert(command.summary.endsWith("."), `${name}: the summary is a sentence`);
  for (const { begin, find } of keys) {
    if (typeof begin === "object" && "at" in begin) {
      assert(begin.at >= words, `${name}: keys follow the name`);
    }
    assert(typeof find === "string" || find.step > 0, `${name}: keys are found in steps`);
  }
  for (const { keySpec } of parameters) {
    assert(keySpec === undefined || keySpec < keys.length, `${name}: arguments name known keys`);
  }
}
