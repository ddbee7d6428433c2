// COMMAND GETKEYS command [argument ...], COMMAND GETKEYSANDFLAGS command [argument ...]

import { errors } from "../../../resp/errors.ts";
import { type Reply, SetReply, SimpleString } from "../../../resp/reply.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { commandKeys, fullName, keyPositions } from "../derive.ts";
import { findCommand } from "../lookup.ts";
import type { Command, KeySpec, SessionCommand } from "../spec.ts";

export const commandGetkeys: SessionCommand = {
  kind: "session",
  name: "getkeys",
  summary: "Tells the keys of a request.",
  since: "2.8.13",
  group: "server",
  complexity: "O(N) in the number of words",
  arity: -4,
  flags: ["loading", "stale"],
  categories: ["connection"],
  run({ commands }, args) {
    const request = args.slice(2);
    const command = findCommand(commands, request);
    return command === undefined ? errors.invalidCommand : commandKeys(command, request);
  },
};

export const commandGetkeysandflags: SessionCommand = {
  kind: "session",
  name: "getkeysandflags",
  summary: "Tells the keys of a request, and what it does with each.",
  since: "7.0.0",
  group: "server",
  complexity: "O(N) in the number of words",
  arity: -4,
  flags: ["loading", "stale"],
  categories: ["connection"],
  run({ commands }, args) {
    const request = args.slice(2);
    const command = findCommand(commands, request);
    if (command === undefined) return errors.invalidCommand;
    const keys = commandKeys(command, request);
    return Array.isArray(keys) ? keysAndFlags(command, request) : keys;
  },
};

function keysAndFlags(command: Command, request: Arguments): Reply {
  return (command.keys ?? []).flatMap((spec) => {
    const positions = keyPositions({ ...command, keys: [spec] }, request);
    if ("text" in positions) return [];
    const flags = new SetReply(
      flagsOf(command, spec, request).map((flag) => new SimpleString(flag)),
    );
    return positions.map((at): Reply => [word(request, at), flags]);
  });
}

/** What is done with a key depends on the options of the few commands flagged `variable_flags`. */
function flagsOf(command: Command, spec: KeySpec, request: Arguments): readonly string[] {
  if (!spec.flags.includes("variable_flags")) {
    return spec.flags.filter((flag) => flag !== "incomplete" && flag !== "not_key");
  }
  const options = request.slice(2).map((option) => option.toLowerCase());
  if (fullName(command) === "set" && !options.slice(1).includes("get")) return ["OW", "update"];
  const readsOnly = !options.some((option) => option === "set" || option === "incrby");
  if (fullName(command) === "bitfield" && readsOnly) return ["RO", "access"];
  return ["RW", "access", "update"];
}
