// `kvorum status`: asks a node for RAFT STATUS and shows the cluster as a table.

import type { Endpoint } from "../net/endpoint.ts";
import { type Bytes, ErrorReply, MapReply, type Reply } from "../resp/reply.ts";
import { ask, NoAnswerError } from "./resp-client.ts";

export interface StatusOptions extends Endpoint {
  readonly password: Bytes;
}

const timeoutMs = 5_000;

/** Prints the table, or one line on the error stream. Resolves with the exit code. */
export async function runStatus(
  options: StatusOptions,
  print: (text: string) => void,
  complain: (text: string) => void,
): Promise<0 | 1> {
  const { password } = options;
  try {
    const reply = await ask({ target: options, password, words: ["RAFT", "STATUS"], timeoutMs });
    const shown = reply instanceof ErrorReply ? null : describeStatus(reply);
    if (shown !== null) {
      print(shown);
      return 0;
    }
    const why = reply instanceof ErrorReply ? reply.text : "the answer is no status";
    complain(`kvorum: ${why}\n`);
  } catch (error) {
    if (!(error instanceof NoAnswerError)) throw error;
    complain(`kvorum: ${error.message}\n`);
  }
  return 1;
}

/** Null when the reply is no status. */
export function describeStatus(reply: Reply): string | null {
  const status = fields(reply);
  const rows = status?.get("members");
  if (status === null || !Array.isArray(rows)) return null;
  const self = status.get("node-id");
  const table = [["", "node", "role", "clients", "peers", "log", "behind", "state"]];
  for (const row of rows as readonly Reply[]) {
    const member = fields(row);
    if (member === null) return null;
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
  return `${headline(status)}\n\n${layOut(table)}${footnote(status)}`;
}

function headline(status: ReadonlyMap<string, Reply>): string {
  const get = (name: string) => text(status.get(name));
  const leader = status.get("leader");
  return [
    `cluster ${get("cluster-id")}, term ${get("term")}, ` +
      (leader === 0 ? "no leader" : `leader is node ${text(leader)}`),
    `node ${get("node-id")} (*) is ${get("role")}: committed ${get("commit-index")}, ` +
      `applied ${get("applied-index")}, log ${get("log-bytes")} bytes`,
  ].join("\n");
}

/** Only the leader knows how far the others are. */
function footnote(status: ReadonlyMap<string, Reply>): string {
  if (status.get("role") === "leader") return "";
  return "\nlog, behind and state are known to the leader only: ask it for them\n";
}

function stateOf(active: Reply | undefined): string {
  if (active === 1) return "answers";
  return active === 0 ? "silent" : "-";
}

function text(value: Reply | undefined): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "-";
}

/** A map, which RESP2 flattens to an array of names and values. */
function fields(reply: Reply): ReadonlyMap<string, Reply> | null {
  if (reply instanceof MapReply) {
    return new Map(reply.entries.map(([name, value]) => [String(name), value]));
  }
  if (!Array.isArray(reply)) return null;
  const list = reply as readonly Reply[];
  const map = new Map<string, Reply>();
  for (let at = 0; at + 1 < list.length; at += 2) map.set(String(list[at]), list[at + 1] ?? null);
  return map;
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
