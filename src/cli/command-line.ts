// The command line: what the process was asked to do, or what to print instead.

import { Command, CommanderError } from "commander";
import { membersMax } from "../constants.ts";
import { logLevels } from "../logger.ts";
import { type Endpoint, parseEndpoint } from "../net/endpoint.ts";
import { bytesOf, ConfigError, type LoadedConfig, loadConfig } from "../node/config/config.ts";
import {
  environmentName,
  isOptionName,
  type OptionName,
  optionNames,
  optionOf,
} from "../node/config/config-options.ts";
import { choice, host, integer, type ValueKind } from "../node/config/config-values.ts";
import { openFilesMax } from "../node/config/open-files.ts";
import type { Bytes } from "../resp/reply.ts";
import type { AdminAction, NewMember } from "./admin.ts";
import type { ClusterOptions } from "./cluster.ts";
import { adminHelps, clusterHelp, serverHelp, statusHelp } from "./help.ts";
import type { StatusOptions } from "./status.ts";
import type { ClusterTarget } from "./status-reply.ts";

export type Invocation =
  | { readonly kind: "serve"; readonly loaded: LoadedConfig }
  | { readonly kind: "cluster"; readonly options: ClusterOptions }
  | { readonly kind: "status"; readonly options: StatusOptions }
  | { readonly kind: "admin"; readonly action: AdminAction; readonly target: ClusterTarget }
  /** --help and --version to stdout with code 0; a mistake to stderr with code 64. */
  | { readonly kind: "print"; readonly text: string; readonly exitCode: 0 | 64 };

type Environment = Readonly<Record<string, string | undefined>>;
type Flags = ReadonlyMap<string, string | string[]>;
type Words = readonly (string | undefined)[];

/**
 * `argv` begins after the script's name. Mistakes, those in the environment and in the configuration
 * file included, come back as text; nothing is printed here.
 */
export function parseCommandLine(
  argv: readonly string[],
  environment: Environment,
  version: string,
): Invocation {
  let invocation: Invocation | null = null;
  const program = createProgram(version, (found) => {
    invocation = found(environment);
  });
  let printed = "";
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => {
        printed += text;
      },
      writeErr: () => undefined,
    });
  }
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (error instanceof ConfigError) return mistake(error.message);
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode !== 0) return mistake(`${oneLine(error.message)}. See kvorum --help`);
  }
  return invocation ?? { kind: "print", text: printed, exitCode: 0 };
}

type Found = (environment: Environment) => Invocation;

function createProgram(version: string, found: (build: Found) => void): Command {
  const program = new Command("kvorum").enablePositionalOptions().version(version, "--version");
  program.helpOption("-h, --help").helpCommand(false).allowExcessArguments();
  for (const name of optionNames) program.option(`--${name} <${optionOf(name).value}>`);
  program.helpInformation = serverHelp;
  program.action((_options: unknown, command: Command) => {
    const [extra] = command.args;
    if (extra !== undefined) throw new ConfigError(unexpected(extra));
    found((environment) => serve(flagsOf(command), environment));
  });

  const cluster = program.command("cluster").allowExcessArguments(false);
  cluster.option("--nodes <n>").option("--port <port>");
  cluster.option("--dir <path>").option("--loglevel <level>");
  cluster.helpInformation = clusterHelp;
  cluster.action(() => found(() => clusterOf(flagsOf(cluster))));

  const status = program.command("status").allowExcessArguments(false).option("--watch");
  status.helpInformation = statusHelp;
  status.action(() => {
    const watchMs = status.getOptionValue("watch") === true ? statusWatchMs : null;
    found((environment) => {
      const options = { ...targetOf(flagsOf(status), environment), watchMs };
      return { kind: "status", options };
    });
  });
  const admin = Object.entries(adminCommands).map(([usage, actionOf]) => {
    const command = program.command(usage).allowExcessArguments(false);
    command.helpInformation = adminHelps[command.name()] ?? serverHelp;
    return command.action(() =>
      found((environment) => {
        const target = targetOf(flagsOf(command), environment);
        return { kind: "admin", action: actionOf(command.args), target };
      }),
    );
  });
  for (const command of [status, ...admin]) {
    command.option("--host <host>").option("--port <port>").option("--password <text>");
  }
  for (const command of program.commands) command.helpOption("-h, --help").version(version);
  return program;
}

/** As commander reads them: <needed> and [optional] words. */
const adminCommands: Readonly<Record<string, (words: Words) => AdminAction>> = {
  "add <address> [peer-address]": ([client, peer]) => {
    return { verb: "add", member: newMember(client, peer) };
  },
  "remove <id>": ([id]) => ({ verb: "remove", id: nodeId(id) }),
  "replace <id> <address> [peer-address]": ([id, client, peer]) => {
    return { verb: "replace", id: nodeId(id), member: newMember(client, peer) };
  },
  "transfer [id]": ([id]) => ({ verb: "transfer", id: id === undefined ? null : nodeId(id) }),
};

function nodeId(word: string | undefined): number {
  if (word === undefined || !/^[1-9][0-9]{0,14}$/.test(word)) {
    throw new ConfigError(`'${word}' is no node id: kvorum status lists them`);
  }
  return Number(word);
}

function newMember(client: string | undefined, peer: string | undefined): NewMember {
  const { host: name, port } = endpointOf(client);
  return {
    client: { host: name, port },
    peer: peer === undefined ? { host: name, port: port + peerPortOffset } : endpointOf(peer),
  };
}

function endpointOf(word: string | undefined): Endpoint {
  const endpoint = parseEndpoint(word ?? "");
  if (endpoint === null) throw new ConfigError(`'${word}' is no address: expected host:port`);
  return endpoint;
}

/** By their names as they are typed, without the dashes. */
function flagsOf(command: Command): Flags {
  const flags = new Map<string, string | string[]>();
  for (const option of command.options) {
    const given: unknown = command.getOptionValue(option.attributeName());
    if (typeof given === "string" || Array.isArray(given)) {
      flags.set(option.name(), given);
    }
  }
  return flags;
}

function serve(flags: Flags, environment: Environment): Invocation {
  const words = new Map<OptionName, readonly Bytes[]>();
  for (const [name, given] of flags) {
    if (isOptionName(name)) words.set(name, [given].flat().map(bytesOf));
  }
  const sources = { flags: words, environment, openFiles: openFilesMax() };
  return { kind: "serve", loaded: loadConfig(sources) };
}

const statusWatchMs = 1_000;
const peerPortOffset = 10_000;

function clusterOf(flags: Flags): Invocation {
  const nodes = value(flags, "nodes", integer(1, membersMax)) ?? 3;
  const portMax = 65_536 - peerPortOffset - nodes;
  const port = value(flags, "port", integer(1, portMax)) ?? 7000;
  const level = choice([...logLevels.keys()], ["debug", "verbose", "notice", "warning"]);
  const logLevel = value(flags, "loglevel", level) ?? "notice";
  const dir = String(flags.get("dir") ?? "./data/cluster");
  return { kind: "cluster", options: { nodes, port, dir, logLevel } };
}

/** The options of a node on this machine are a good guess at how to reach it. */
function targetOf(flags: Flags, environment: Environment): ClusterTarget {
  const port = value(flags, "port", integer(1, 65_535));
  const password = flags.get("password") ?? environment[environmentName("requirepass")] ?? "";
  return {
    host: value(flags, "host", host) ?? "127.0.0.1",
    port: port ?? (Number(environment[environmentName("port")]) || 7000),
    password: bytesOf(String(password)),
  };
}

function value<Value>(flags: Flags, name: string, kind: ValueKind<Value>): Value | undefined {
  const given = flags.get(name);
  if (given === undefined) return undefined;
  const parsed = kind.parse([bytesOf(String(given))]);
  if (parsed.ok) return parsed.value;
  throw new ConfigError(`--${name} '${String(given)}': ${parsed.error}`);
}

function unexpected(word: string): string {
  return word.endsWith(".conf")
    ? `a configuration file is given with --config: kvorum --config ${word}`
    : `unknown command '${word}'. See kvorum --help`;
}

function mistake(text: string): Invocation {
  return { kind: "print", text: `kvorum: ${text}\n`, exitCode: 64 };
}

/** Commander's "error: unknown option '--prot'\n(Did you mean --port?)" as one line. */
function oneLine(message: string): string {
  return message
    .replace(/^error: /, "")
    .replaceAll("\n", " ")
    .trim()
    .replace(/\.$/, "");
}
