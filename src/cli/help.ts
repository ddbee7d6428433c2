// What `kvorum --help` prints: one screen, made from the table of options.

import { membersMax } from "../constants.ts";
import { type OptionName, optionNames, optionOf } from "../node/config/config-options.ts";

const column = 38;

function row(left: string, right: string): string {
  return `  ${left.padEnd(column - 2)}${right}`;
}

export function serverHelp(): string {
  const rows = optionNames.filter((name) => optionOf(name).help !== null).map(optionRow);
  return [
    "Usage: kvorum [options]            one node; an empty --dir begins a new cluster of one",
    "       kvorum cluster [options]    three nodes on this machine, for trying",
    "       kvorum status | add | remove | replace | transfer    a running cluster's members",
    "",
    ...rows,
    row("--version, --help", "(also after each command)"),
    "Each option is also a variable (KVORUM_PEER_SECRET ...) and a line of the --config file.",
    "",
  ].join("\n");
}

function optionRow(name: OptionName): string {
  const { value, help, shownDefault, kind, default: normal } = optionOf(name);
  const shown = shownDefault === undefined ? kind.format(normal) : shownDefault;
  return row(`--${name} <${value}>`, `${help}${shown === null ? "" : ` (${shown})`}`);
}

export function clusterHelp(): string {
  return [
    "Usage: kvorum cluster [options]",
    "",
    "Starts nodes on this machine and shows their logs together. Ctrl-C ends them; started again,",
    "the same cluster comes back with its data.",
    "",
    row("--nodes <n>", `how many, 1 to ${membersMax} (3)`),
    row("--port <port>", "port of the first one; the others follow (7000)"),
    row("--dir <path>", "data directory, one below it per node (./data/cluster)"),
    row("--loglevel <level>", "debug, verbose, notice or warning (notice)"),
    "",
  ].join("\n");
}

const targetRows = [
  row("--host <host>", "any node of the cluster (127.0.0.1)"),
  row("--port <port>", "its port for clients (7000)"),
  row("--password <text>", "better given as KVORUM_REQUIREPASS"),
  "",
];

export function statusHelp(): string {
  return [
    "Usage: kvorum status [options]",
    "",
    "Asks a node about its cluster.",
    "",
    row("--watch", "again every second, until Ctrl-C"),
    ...targetRows,
  ].join("\n");
}

/** By the name of the command. */
export const adminHelps: Readonly<Record<string, () => string>> = {
  add: () =>
    adminHelp("add <host:port> [<peer-host:port>]", [
      "Admits a node (its address for clients; that for the other nodes has the same host and port",
      "+ 10000), says how to start it, and shows how it catches up until it votes. Ctrl-C ends only",
      "the showing. A node that is started with --join is admitted as well; this is for whoever",
      "wants to do it beforehand, and to watch.",
      "",
      "A member that is started with another --port, --peer-port or --announce tells the cluster",
      "itself, as long as it reaches one member at the address that it knew.",
    ]),
  remove: () =>
    adminHelp("remove <id>", [
      "Takes a member out: a dead one, one that is stopped for good, or the leader. Refused when",
      "those who stay and answer are no majority. The node itself says that it was removed, serves",
      "no data any more and never votes; its id is never used again.",
    ]),
  replace: () =>
    adminHelp("replace <id> <host:port> [<peer-host:port>]", [
      "As add, and when the new node votes the old one is removed: there are never fewer voters.",
      "In a cluster of seven remove the old one first.",
    ]),
  transfer: () =>
    adminHelp("transfer [<id>]", [
      "Hands leadership to a member, by default to the one that is furthest along. Clients of no",
      "node see an error.",
    ]),
};

function adminHelp(usage: string, text: readonly string[]): string {
  return [
    `Usage: kvorum ${usage} [options]`,
    "",
    ...text,
    "",
    "Every change is committed when this ends with code 0. Lines of JSON when it is not a terminal",
    "that reads them.",
    "",
    ...targetRows,
  ].join("\n");
}
