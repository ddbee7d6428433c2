// Flags, environment and file become one frozen, validated Config.

import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { peerSecretCharsMin } from "../../constants.ts";
import { type LogLevel, logLevels } from "../../logger.ts";
import {
  type BindAddress,
  type Endpoint,
  isLoopback,
  isWildcard,
  parseEndpoint,
} from "../../net/endpoint.ts";
import type { Bytes } from "../../resp/reply.ts";
import { describeError } from "../../system-error.ts";
import { type FileLine, readLines } from "./config-file.ts";
import { fixedRows } from "./config-fixed.ts";
import {
  environmentName,
  isOptionName,
  type OptionName,
  type OptionValues,
  optionNames,
  optionOf,
} from "./config-options.ts";
import { onlyLoopback } from "./config-values.ts";
import { clientsThatFit, openFilesMin } from "./open-files.ts";

/** What the server is started with. Sizes in bytes, times in seconds; 0 seconds means never. */
export interface Config {
  /** 0: pick a free one. */
  readonly port: number;
  readonly peerPort: number;
  readonly bind: readonly BindAddress[];
  /** Absolute. */
  readonly dir: string;
  /** A node of the cluster to join, by its port for clients. */
  readonly join: Endpoint | null;
  /** The host by which clients and other nodes reach this one. */
  readonly announce: string;
  readonly peerSecret: Bytes | null;
  readonly logLevel: LogLevel;
  readonly requirepass: Bytes;
  readonly protectedMode: boolean;
  readonly maxClients: number;
  readonly bulkBytes: number;
  readonly requestBytes: number;
  readonly idleSeconds: number;
  readonly keepAliveSeconds: number;
  /** Reads lean on the leader's lease: see docs/guarantees.md. */
  readonly leases: boolean;
  /** Applied log between two checkpoints. */
  readonly checkpointLogBytes: number;
  /** Log that stays although a checkpoint holds it. */
  readonly retainedLogBytes: number;
  /** Counts while this node leads. */
  readonly evictionSamples: number;
  readonly evictionTenacity: number;
  readonly lfuLogFactor: number;
  readonly lfuDecayMinutes: number;
}

export interface ConfigSources {
  /** Every word as binary string; see `bytesOf`. */
  readonly flags: ReadonlyMap<OptionName, readonly Bytes[]>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Null: unknown, no limit on clients follows from it. */
  readonly openFiles: number | null;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly values: OptionValues;
  /** Options that were said, and not left at their defaults. */
  readonly given: ReadonlySet<OptionName>;
  /** The configuration file, absolute, when there is one. */
  readonly file: string | null;
  /** One line each, for the log. */
  readonly warnings: readonly string[];
}

/** A mistake of whoever starts the server, as one line that says where it is. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** Words from the shell or the environment as binary strings, like those that clients send. */
export function bytesOf(word: string): Bytes {
  return Buffer.from(word, "utf8").toString("latin1");
}

interface Setting {
  readonly name: OptionName;
  readonly words: readonly Bytes[];
  /** "--port", "KVORUM_PORT", "kvorum.conf:3: port". */
  readonly origin: string;
}

/** Flags win over the environment, the environment over the file. Throws ConfigError. */
export function loadConfig(sources: ConfigSources): LoadedConfig {
  const warnings: string[] = [];
  const environment = fromEnvironment(sources.environment, warnings);
  const flags = [...sources.flags].map(([name, words]) => ({ name, words, origin: `--${name}` }));
  const given = [...environment, ...flags];
  const named = given.filter((each) => each.name === "config").at(-1)?.words[0] ?? "";
  const file = named === "" ? null : resolve(Buffer.from(named, "latin1").toString("utf8"));
  const values = new Map<OptionName, unknown>();
  for (const name of optionNames) values.set(name, optionOf(name).default);
  const settings = [...(file === null ? [] : fromFile(file)), ...given];
  for (const setting of settings) values.set(setting.name, parse(setting));
  let complete = Object.fromEntries(values) as OptionValues;
  const fits = sources.openFiles === null ? Infinity : clientsThatFit(sources.openFiles);
  if (fits < 1) {
    throw new ConfigError(
      `the limit on open files is ${sources.openFiles}, and a node needs ${openFilesMin}: raise it (ulimit -n)`,
    );
  }
  if (complete.maxclients > fits) {
    warnings.push(
      `maxclients is ${fits} instead of ${complete.maxclients}: ` +
        `the limit on open files is ${sources.openFiles} (ulimit -n)`,
    );
    complete = { ...complete, maxclients: fits };
  }
  const said = new Set(settings.map(({ name }) => name));
  return { config: configOf(complete), values: complete, given: said, file, warnings };
}

/** What the options mean together. Throws ConfigError where they contradict each other. */
export function configOf(values: OptionValues): Config {
  const config: Config = {
    port: values.port,
    peerPort: peerPortOf(values),
    bind: values.bind,
    dir: resolve(values.dir),
    join: parseEndpoint(values.join),
    announce: values.announce === "" ? hostOf(values.bind) : values.announce,
    peerSecret: values["peer-secret"] === "" ? null : values["peer-secret"],
    logLevel: logLevels.get(values.loglevel) ?? "info",
    requirepass: values.requirepass,
    protectedMode: values["protected-mode"],
    maxClients: values.maxclients,
    bulkBytes: values["proto-max-bulk-len"],
    requestBytes: values["client-query-buffer-limit"],
    idleSeconds: values.timeout,
    keepAliveSeconds: values["tcp-keepalive"],
    leases: values.reads === "lease",
    checkpointLogBytes: values["auto-aof-rewrite-min-size"],
    retainedLogBytes: values["repl-backlog-size"],
    evictionSamples: values["maxmemory-samples"],
    evictionTenacity: values["maxmemory-eviction-tenacity"],
    lfuLogFactor: values["lfu-log-factor"],
    lfuDecayMinutes: values["lfu-decay-time"],
  };
  if (config.peerSecret !== null && config.peerSecret.length < peerSecretCharsMin) {
    throw new ConfigError(
      `peer-secret has fewer than ${peerSecretCharsMin} characters and could be guessed: ` +
        "give every node the same longer one (openssl rand -hex 16)",
    );
  }
  if (config.peerSecret === null && !onlyLoopback(config.bind)) {
    throw new ConfigError(
      "bind opens the peer port to other machines, and there is no peer-secret: " +
        "give every node the same KVORUM_PEER_SECRET, or bind only to 127.0.0.1",
    );
  }
  if (config.join !== null && !isLoopback(config.join.host) && isLoopback(config.announce)) {
    throw new ConfigError(
      `a cluster at ${config.join.host} cannot reach this node at ${config.announce}: ` +
        "bind to an address of this machine, or give --announce",
    );
  }
  return Object.freeze(config);
}

function peerPortOf(values: OptionValues): number {
  const { port } = values;
  const peerPort = values["peer-port"] >= 0 ? values["peer-port"] : port === 0 ? 0 : port + 10_000;
  if (peerPort > 65_535) {
    throw new ConfigError(`there is no port ${peerPort} (port + 10000): give --peer-port`);
  }
  if (peerPort === port && port !== 0) {
    throw new ConfigError(`port and peer-port are both ${port}: clients and nodes need one each`);
  }
  return peerPort;
}

/** The first address that is one; for "every address" one of this machine's own. */
function hostOf(bind: readonly BindAddress[]): string {
  const [first] = bind.filter((each) => !each.optional);
  const host = first?.host ?? bind[0]?.host ?? "127.0.0.1";
  if (!isWildcard(host)) return host;
  for (const addresses of Object.values(networkInterfaces())) {
    for (const { family, internal, address } of addresses ?? []) {
      if (family === "IPv4" && !internal) return address;
    }
  }
  return "127.0.0.1";
}

function parse({ name, words, origin }: Setting): unknown {
  const parsed = optionOf(name).kind.parse(words);
  if (parsed.ok) return parsed.value;
  const shown = optionOf(name).hidden === true ? "" : ` '${words.join(" ")}'`;
  throw new ConfigError(`${origin}${shown}: ${parsed.error}`);
}

function fromFile(file: string): Setting[] {
  let content: Bytes;
  try {
    content = readFileSync(file, "latin1");
  } catch (error) {
    throw new ConfigError(`cannot read the configuration file ${file}: ${describeError(error)}`);
  }
  const settings: Setting[] = [];
  for (const line of readLines(content)) {
    const place = `${file}:${line.number}`;
    if ("error" in line) throw new ConfigError(`${place}: ${line.error}`);
    const setting = settingOf(line, place);
    if (setting !== null) settings.push(setting);
  }
  return settings;
}

/** Null for a line that says what is so anyway. */
function settingOf({ name, words }: FileLine, place: string): Setting | null {
  const origin = `${place}: ${name}`;
  if (isOptionName(name) && name !== "config") return { name, words, origin };
  const row = fixedRows.get(name);
  if (row === undefined) throw new ConfigError(`${place}: there is no option '${name}'`);
  if (words.join(" ").toLowerCase() === row.value.toLowerCase()) return null;
  throw new ConfigError(`${origin} is always '${row.value}' here`);
}

/** Names that container platforms invent for a service called kvorum: not meant for this program. */
const invented = /^KVORUM_(?:SERVICE_|PORT_\d)/;

function fromEnvironment(
  environment: ConfigSources["environment"],
  warnings: string[],
): readonly Setting[] {
  const names = new Map(optionNames.map((name) => [environmentName(name), name]));
  const settings: Setting[] = [];
  for (const [variable, value = ""] of Object.entries(environment)) {
    if (!variable.startsWith("KVORUM_") || value === "" || invented.test(variable)) continue;
    const name = names.get(variable);
    if (name === undefined) {
      warnings.push(`${variable} is none of this program's options: ignored`);
    } else if (name === "port" && value.startsWith("tcp://")) {
      warnings.push(`${variable} '${value}' comes from a container platform: ignored`);
    } else {
      settings.push({ name, words: [bytesOf(value)], origin: variable });
    }
  }
  return settings;
}
