// `kvorum status`: asks a node for RAFT STATUS and shows the cluster as a table, once or every second.

import { setTimeout as delay } from "node:timers/promises";
import type { Reply } from "../resp/reply.ts";
import type { CommandOutput } from "./output.ts";
import {
  askStatus,
  type ClusterTarget,
  type Fields,
  RefusedError,
  type StatusReply,
} from "./status-reply.ts";

export interface StatusOptions extends ClusterTarget {
  /** Pause before it is shown again, until the process is ended; null: shown once. */
  readonly watchMs: number | null;
}

/** Home, then everything below is cleared: the table stays where it is. */
const clearScreen = "\x1b[H\x1b[J";

/** Prints the table, or one line on the error stream. Resolves with the exit code. */
export async function runStatus(
  options: StatusOptions,
  output: CommandOutput,
  signal?: AbortSignal,
): Promise<0 | 1> {
  const { watchMs } = options;
  let shown = await show(options);
  while (watchMs !== null && signal?.aborted !== true) {
    output.print(`${output.isTerminal ? clearScreen : ""}${shown.text}\n`);
    await delay(watchMs);
    shown = await show(options);
  }
  if (shown.ok) output.print(shown.text);
  else output.complain(shown.text);
  return shown.ok ? 0 : 1;
}

async function show(target: ClusterTarget): Promise<{ ok: boolean; text: string }> {
  try {
    return { ok: true, text: describeStatus(await askStatus(target)) };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { ok: false, text: `kvorum: ${error.message}\n` };
  }
}

export function describeStatus({ fields, members }: StatusReply): string {
  const self = fields.get("node-id");
  const table = [["", "node", "role", "clients", "peers", "log", "behind", "state"]];
  for (const member of members) {
    table.push([
      member.get("id") === self ? "*" : "",
      text(member.get("id")),
      text(member.get("role")),
      text(member.get("client-address")),
      text(member.get("peer-address")),
      text(member.get("match-index")),
      text(member.get("lag")),
      stateOf(member.get("active")),
    ]);
  }
  return `${headline(fields)}\n\n${layOut(table)}${footnote(fields)}`;
}

function headline(status: Fields): string {
  const get = (name: string) => text(status.get(name));
  const leader = status.get("leader");
  return [
    `cluster ${get("cluster-id")}, term ${get("term")}, ` +
      (leader === 0 ? "no leader" : `leader is node ${text(leader)}`),
    `node ${get("node-id")} (*) is ${get("role")}: committed ${get("commit-index")}, ` +
      `applied ${get("applied-index")}, log ${get("log-bytes")} bytes`,
  ].join("\n");
}

function footnote(status: Fields): string {
  const role = status.get("role");
  if (role === "leader") return "";
  if (role === "removed") return "\nthis node was removed from the cluster: ask another one\n";
  return "\nlog, behind and state are known to the leader only: ask it for them\n";
}

function stateOf(active: Reply | undefined): string {
  if (active === 1) return "answers";
  return active === 0 ? "silent" : "-";
}

function text(value: Reply | undefined): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "-";
}

function layOut(table: readonly (readonly string[])[]): string {
  const widths = (table[0] ?? []).map((_cell, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return table
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}
