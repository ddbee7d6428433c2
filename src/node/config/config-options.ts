// The one table of options: flags, environment, file, --help and CONFIG GET/SET all derive from it.

import {
  bulkBytesDefault,
  bulkBytesMax,
  checkpointLogBytesDefault,
  clientsDefault,
  maxmemoryShare,
  requestBytesDefault,
  requestBytesMax,
  retainedLogBytesDefault,
} from "../../constants.ts";
import { logLevels } from "../../logger.ts";
import type { Bytes } from "../../resp/reply.ts";
import { evictionPolicies, noEviction } from "../../state/keyspace/eviction-policy.ts";
import {
  binds,
  choice,
  endpoint,
  host,
  integer,
  memory,
  path,
  text,
  type ValueKind,
  yesNo,
} from "./config-values.ts";

const MiB = 1024 * 1024;
const int32Max = 2_147_483_647;
const secondsMax = int32Max;
const policyNames = evictionPolicies.map(({ name }) => name);

/** Redis' `protected` refuses like `immutable`, in other words. */
export type Change = "mutable" | "immutable" | "protected";

export interface Option<Value> {
  readonly kind: ValueKind<Value>;
  readonly default: Value;
  readonly change: Change;
  /** What counts is the cluster's: this is what a new cluster begins with (state/execution/settings.ts). */
  readonly replicated?: true;
  /** Never shown by CONFIG GET. */
  readonly hidden?: true;
  /** Name of the value in --help. */
  readonly value: string;
  /** One line of --help, without the default; null keeps the option out of it. */
  readonly help: string | null;
  /** How --help shows the default, when not by its text; null shows none. */
  readonly shownDefault?: string | null;
}

const option = <Value>(row: Option<Value>): Option<Value> => row;
const megabytes = (bytes: number) => `${bytes / MiB}mb`;

/** By name, in the order of --help. */
export const options = {
  port: option({
    kind: integer(0, 65_535),
    default: 7000,
    change: "immutable",
    value: "port",
    help: "port for clients; 0 picks a free one",
  }),
  bind: option({
    kind: binds,
    default: [{ host: "127.0.0.1", optional: false }],
    change: "immutable",
    value: "address...",
    help: "addresses to listen on, for clients and peers",
  }),
  dir: option({
    kind: path,
    default: "./data",
    change: "protected",
    value: "path",
    help: "directory of the log and the data",
  }),
  join: option<string>({
    kind: endpoint,
    default: "",
    change: "immutable",
    value: "host:port",
    help: "join the cluster of this node instead (its port for clients)",
    shownDefault: null,
  }),
  announce: option<string>({
    kind: host,
    default: "",
    change: "immutable",
    value: "host",
    help: "what clients and other nodes call this node's host",
    shownDefault: "from bind",
  }),
  "peer-port": option({
    kind: integer(0, 65_535),
    /** Stands for port + 10000. */
    default: -1,
    change: "immutable",
    value: "port",
    help: "port for the other nodes; 0 picks a free one",
    shownDefault: "port + 10000",
  }),
  "peer-secret": option<Bytes>({
    kind: text,
    default: "",
    change: "immutable",
    hidden: true,
    value: "text",
    help: "proof between nodes beyond this machine: 16 characters or more",
    shownDefault: null,
  }),
  config: option<string>({
    kind: path,
    default: "",
    change: "immutable",
    hidden: true,
    value: "file",
    help: "read options from a file of 'name value' lines",
    shownDefault: null,
  }),
  loglevel: option<string>({
    kind: choice([...logLevels.keys()], ["debug", "verbose", "notice", "warning"]),
    default: "notice",
    change: "mutable",
    value: "level",
    help: "debug, verbose, notice or warning",
  }),
  requirepass: option<Bytes>({
    kind: text,
    default: "",
    change: "mutable",
    value: "text",
    help: "password that clients have to give",
    shownDefault: null,
  }),
  "protected-mode": option({
    kind: yesNo,
    default: true,
    change: "mutable",
    value: "yes|no",
    help: "without a password, serve clients of this machine only",
  }),
  maxclients: option({
    kind: integer(1, 4_294_967_295),
    default: clientsDefault,
    change: "mutable",
    value: "n",
    help: "clients connected at once",
  }),
  "proto-max-bulk-len": option({
    kind: memory(MiB, bulkBytesMax),
    default: bulkBytesDefault,
    change: "mutable",
    value: "size",
    help: "largest single value",
    shownDefault: megabytes(bulkBytesDefault),
  }),
  "client-query-buffer-limit": option({
    kind: memory(MiB, requestBytesMax),
    default: requestBytesDefault,
    change: "mutable",
    value: "size",
    help: "largest whole request",
    shownDefault: megabytes(requestBytesDefault),
  }),
  reads: option<string>({
    kind: choice(["quorum", "lease"], ["quorum", "lease"]),
    default: "quorum",
    change: "immutable",
    value: "mode",
    help: "quorum, or lease: by clocks, not by a majority each",
  }),
  maxmemory: option({
    kind: memory(0, Number.MAX_SAFE_INTEGER),
    default: 0,
    change: "mutable",
    replicated: true,
    value: "size",
    help: "room for keys and values; 0: no limit",
    shownDefault: `${maxmemoryShare * 100} % of memory`,
  }),
  "maxmemory-policy": option<string>({
    kind: choice(policyNames, policyNames),
    default: noEviction.name,
    change: "mutable",
    replicated: true,
    value: "policy",
    help: null,
  }),
  "maxmemory-samples": option({
    kind: integer(1, int32Max),
    default: 5,
    change: "mutable",
    value: "n",
    help: null,
  }),
  "maxmemory-eviction-tenacity": option({
    kind: integer(0, 100),
    default: 10,
    change: "mutable",
    value: "n",
    help: null,
  }),
  "lfu-log-factor": option({
    kind: integer(0, int32Max),
    default: 10,
    change: "mutable",
    value: "n",
    help: null,
  }),
  "lfu-decay-time": option({
    kind: integer(0, int32Max),
    default: 1,
    change: "mutable",
    value: "minutes",
    help: null,
  }),
  timeout: option({
    kind: integer(0, secondsMax),
    default: 0,
    change: "mutable",
    value: "seconds",
    help: "close idle clients after this time; 0 never does",
  }),
  "tcp-keepalive": option({
    kind: integer(0, secondsMax),
    default: 300,
    change: "mutable",
    value: "seconds",
    help: null,
  }),
  "auto-aof-rewrite-min-size": option({
    kind: memory(MiB, 1024 * MiB),
    default: checkpointLogBytesDefault,
    change: "mutable",
    value: "size",
    help: null,
  }),
  "repl-backlog-size": option({
    kind: memory(0, 1024 * 1024 * MiB),
    default: retainedLogBytesDefault,
    change: "mutable",
    value: "size",
    help: "log kept for nodes that were away; then a snapshot",
    shownDefault: megabytes(retainedLogBytesDefault),
  }),
  "enable-debug-command": option<string>({
    kind: choice(["no", "yes", "local"], ["no", "yes", "local"]),
    default: "no",
    change: "immutable",
    value: "who",
    help: null,
  }),
} as const;

export type OptionName = keyof typeof options;
export type OptionValues = { readonly [Name in OptionName]: (typeof options)[Name]["default"] };

export const optionNames = Object.keys(options) as OptionName[];
const known: ReadonlySet<string> = new Set(optionNames);

export function isOptionName(name: string): name is OptionName {
  return known.has(name);
}

/** The row of an option whose kind is not known to the compiler: values go in and out as unknown. */
export function optionOf(name: OptionName): Option<unknown> {
  return options[name] as Option<unknown>;
}

/** KVORUM_PEER_PORT for peer-port. */
export function environmentName(name: OptionName): string {
  return `KVORUM_${name.toUpperCase().replaceAll("-", "_")}`;
}
