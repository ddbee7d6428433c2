// What `kvorum --help` prints: one screen, made from the table of options.

import { membersMax } from "../constants.ts";
import { type OptionName, optionNames, optionOf } from "../net/config-options.ts";

const column = 38;

function row(left: string, right: string): string {
  return `  ${left.padEnd(column - 2)}${right}`;
}

export function serverHelp(): string {
  const rows = optionNames.filter((name) => optionOf(name).help !== null).map(optionRow);
  return [
    "Usage: kvorum [options]            one node; an empty --dir begins a new cluster of one",
    "       kvorum cluster [options]    three nodes on this machine, for trying",
    "       kvorum status [options]     members, roles and progress of a running cluster",
    "",
    ...rows,
    row("--version, --help", "(also after cluster and status)"),
    "",
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

export function statusHelp(): string {
  return [
    "Usage: kvorum status [options]",
    "",
    "Asks a node about its cluster.",
    "",
    row("--host <host>", "any node of the cluster (127.0.0.1)"),
    row("--port <port>", "its port for clients (7000)"),
    row("--password <text>", "better given as KVORUM_REQUIREPASS"),
    "",
  ].join("\n");
}
