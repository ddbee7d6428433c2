// From words to a command, and what is answered when there is none.

import { expect, test } from "vitest";
import { commandKeys, fullName } from "../../src/state/commands/derive.ts";
import { CommandFinder, findByFullName, findCommand } from "../../src/state/commands/lookup.ts";
import { commands } from "../../src/state/commands/table.ts";
import { CommandSession, show } from "../support/command-session.ts";

const finder = new CommandFinder(commands);

test("names are found in any case, by both ways", () => {
  for (const name of ["get", "GET", "Get", "gET"]) {
    expect(finder.find([name, "k"])?.name).toBe("get");
    expect(findCommand(commands, [name, "k"])?.name).toBe("get");
  }
});

test("the second word chooses the subcommand of a container", () => {
  for (const words of [
    ["object", "freq", "k"],
    ["OBJECT", "FREQ", "k"],
    ["oBject", "Freq"],
  ]) {
    const found = finder.find(words);
    expect(found === undefined ? undefined : fullName(found)).toBe("object|freq");
    expect(findCommand(commands, words)).toBe(found);
  }
  expect(finder.find(["object"])?.name).toBe("object");
  expect(finder.find(["object", "nosuch"])).toBeUndefined();
  expect(finder.find(["object|freq", "k"])).toBeUndefined();
});

test("COMMAND INFO finds subcommands by their full name alone", () => {
  expect(findByFullName(commands, "OBJECT|Freq")?.name).toBe("freq");
  expect(findByFullName(commands, "get")?.name).toBe("get");
  for (const name of ["object|", "object|nosuch", "object|freq|x", "get|x", "nosuch", ""]) {
    expect(findByFullName(commands, name)).toBeUndefined();
  }
});

test("no name that JavaScript gives a meaning is a command", () => {
  for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
    expect(finder.find([name])).toBeUndefined();
    expect(finder.find(["object", name])).toBeUndefined();
  }
});

test("an unknown command is quoted with its first words, in at most 128 bytes", () => {
  const session = new CommandSession();
  expect(session.run("foo a b")).toBe(
    "-ERR unknown command 'foo', with args beginning with: 'a' 'b' ",
  );
  const long = session.reply("foo", "a".repeat(100), "b".repeat(50), "c");
  expect(show(long)).toBe(
    `-ERR unknown command 'foo', with args beginning with: '${"a".repeat(100)}' '${"b".repeat(25)}' `,
  );
  expect(session.run('"a\\r\\nb" "c\\u0000d"')).toBe(
    "-ERR unknown command 'a  b', with args beginning with: 'c' ",
  );
});

test("COMMAND GETKEYS tells keys, and why there are none", () => {
  const keysOf = (...words: string[]) => {
    const command = findCommand(commands, words);
    return command === undefined ? undefined : show(commandKeys(command, words));
  };
  expect(keysOf("mset", "a", "1", "b", "2")).toEqual(["a", "b"]);
  expect(keysOf("copy", "a", "b", "REPLACE")).toEqual(["a", "b"]);
  expect(keysOf("object", "freq", "k")).toEqual(["k"]);
  expect(keysOf("get", "a", "b")).toBe("-ERR Invalid number of arguments specified for command");
  expect(keysOf("object", "help")).toBe("-ERR The command has no key arguments");
});
