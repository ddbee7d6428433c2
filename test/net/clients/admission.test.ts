// Which requests a node lets through, and which of several reasons it names when it refuses one.

import { describe, expect, test } from "vitest";
import { type AdmittedClient, refusal } from "../../../src/net/clients/admission.ts";
import { errors } from "../../../src/resp/errors.ts";
import { CommandFinder } from "../../../src/state/commands/lookup.ts";
import type { Command } from "../../../src/state/commands/spec.ts";
import { commands } from "../../../src/state/commands/table.ts";

const finder = new CommandFinder(commands);

function refused(words: readonly string[], client: Partial<AdmittedClient>) {
  const command = finder.find(words.slice(0, 2)) ?? finder.find(words.slice(0, 1));
  if (command === undefined) throw new Error(`there is no command ${words.join(" ")}`);
  const usual = { authenticated: true, refusesWrite: () => null, isLoading: false };
  return refusal(command, words.length, { ...usual, ...client });
}

describe("while a node loads its data", () => {
  test.each([
    "ping",
    "get a",
    "set a 1",
    "dbsize",
    "save",
    "bgsave",
    "flushall",
    "lolwut",
    "raft add 127.0.0.1:1 127.0.0.1:2",
    "object encoding a",
  ])("%s is refused", (request) => {
    const words = request.split(" ");
    expect(refused(words, { isLoading: true })).toBe(errors.loading);
    expect(refused(words, {})).toBeNull();
  });

  test.each([
    "info",
    "hello 3",
    "auth secret",
    "select 1",
    "echo a",
    "time",
    "role",
    "lastsave",
    "command count",
    "config get port",
    "client list",
    "debug sleep 0",
    "raft status",
    "shutdown",
  ])("%s is let through", (request) => {
    expect(refused(request.split(" "), { isLoading: true })).toBeNull();
  });

  test("no command that reads or writes data is let through, because there is nobody to run it", () => {
    const all: readonly Command[] = [...commands.values()].flatMap((command) =>
      command.kind === "container" ? [...command.subcommands.values()] : [command],
    );
    const data = all.filter(({ kind }) => kind === "read" || kind === "write");
    expect(data.length).toBeGreaterThan(30);
    expect(data.filter(({ flags }) => flags.includes("loading"))).toEqual([]);
  });

  test("a wrong number of words, a missing password and a full disk are named before it", () => {
    const client = { isLoading: true, authenticated: false, refusesWrite: () => errors.diskFull };
    expect(refused(["get"], client)?.text).toContain("wrong number of arguments");
    expect(refused(["get", "a"], client)).toBe(errors.noAuth);
    expect(refused(["set", "a", "1"], { ...client, authenticated: true })).toBe(errors.diskFull);
    expect(refused(["get", "a"], { ...client, authenticated: true })).toBe(errors.loading);
  });
});
