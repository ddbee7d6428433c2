// CLIENT LIST [TYPE type | ID client-id ...], CLIENT INFO

import { errors } from "../../../resp/errors.ts";
import { type ErrorReply, VerbatimReply } from "../../../resp/reply.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { parseInteger } from "../../parse/integers.ts";
import type { Client, Server } from "../session-context.ts";
import type { SessionCommand, SessionContext } from "../spec.ts";
import { takesNormalClients } from "./client-types.ts";

export const clientList: SessionCommand = {
  kind: "session",
  name: "list",
  summary: "Lists the connections of this node.",
  since: "2.4.0",
  group: "connection",
  complexity: "O(N) in the number of connections",
  history: [
    ["2.8.12", "The `id` field."],
    ["5.0.0", "Filtering by `TYPE`."],
    ["6.0.0", "The `user` field."],
    ["6.2.0", "Filtering by `ID`; the fields `argv-mem`, `tot-mem`, `laddr` and `redir`."],
    ["7.0.0", "The fields `resp`, `multi-mem`, `rbs` and `rbp`."],
    ["7.0.3", "The `ssub` field."],
  ],
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  tips: ["nondeterministic_output"],
  arguments: [
    {
      name: "normal_master_replica_pubsub",
      type: "oneof",
      token: "TYPE",
      since: "5.0.0",
      flags: ["optional"],
      arguments: [
        { name: "normal", type: "pure-token", token: "NORMAL" },
        { name: "master", type: "pure-token", token: "MASTER" },
        { name: "replica", type: "pure-token", token: "REPLICA" },
        { name: "pubsub", type: "pure-token", token: "PUBSUB" },
      ],
    },
    {
      name: "id",
      type: "block",
      token: "ID",
      since: "6.2.0",
      flags: ["optional"],
      arguments: [{ name: "client-id", type: "integer", flags: ["multiple"] }],
    },
  ],
  run(context, args) {
    const chosen = choose(context, args);
    if (!Array.isArray(chosen)) return chosen;
    const nowMs = context.server.nowMs();
    return new VerbatimReply(chosen.map((client) => describe(client, nowMs)).join(""));
  },
};

export const clientInfo: SessionCommand = {
  kind: "session",
  name: "info",
  summary: "Describes this connection.",
  since: "6.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  tips: ["nondeterministic_output"],
  run: ({ client, server }) => new VerbatimReply(describe(client, server.nowMs())),
};

function choose({ server }: SessionContext, args: Arguments): Client[] | ErrorReply {
  if (args.length === 2) return [...server.clients()];
  const filter = word(args, 2).toLowerCase();
  if (filter === "type" && args.length === 4) {
    const taken = takesNormalClients(word(args, 3));
    if (typeof taken !== "boolean") return taken;
    return taken ? [...server.clients()] : [];
  }
  if (filter === "id" && args.length > 3) return withIds(server, args.slice(3));
  return errors.syntax;
}

/** In the order of the request, repeated where it repeats, unknown ones left out. */
function withIds(server: Server, words: Arguments): Client[] | ErrorReply {
  const clients = new Map([...server.clients()].map((client) => [client.id, client]));
  const chosen: Client[] = [];
  for (const text of words) {
    const id = parseInteger(text);
    if (id === undefined) return errors.invalidClientId;
    const client = clients.get(Number(id));
    if (client !== undefined) chosen.push(client);
  }
  return chosen;
}

/**
 * One line: the fields of Redis 7.0 in its order, then those that 7.2 appends. What waits for the socket is
 * one queue, so `obl` and `oll` stay 0 and `omem` counts all of it; memory that only Redis' own
 * buffers take (`qbuf-free`, `argv-mem`, `multi-mem`, `rbs`, `rbp`) is 0.
 */
function describe(client: Client, nowMs: number): string {
  const fields: readonly (readonly [string, string | number])[] = [
    ["id", client.id],
    ["addr", client.address],
    ["laddr", client.localAddress],
    ["fd", client.fd],
    ["name", client.name],
    ["age", secondsSince(client.createdAtMs, nowMs)],
    ["idle", secondsSince(client.lastInteractionMs, nowMs)],
    ["flags", flags(client)],
    ["db", client.database],
    ["sub", 0],
    ["psub", 0],
    ["ssub", 0],
    ["multi", -1],
    ["qbuf", client.queryBufferBytes],
    ["qbuf-free", 0],
    ["argv-mem", 0],
    ["multi-mem", 0],
    ["rbs", 0],
    ["rbp", 0],
    ["obl", 0],
    ["oll", 0],
    ["omem", client.outputBytes],
    ["tot-mem", client.queryBufferBytes + client.outputBytes],
    ["events", client.outputBytes > 0 ? "rw" : "r"],
    ["cmd", client.lastCommand === "" ? "NULL" : client.lastCommand],
    ["user", "default"],
    ["redir", -1],
    ["resp", client.protocol],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return `${fields.map(([name, value]) => `${name}=${value}`).join(" ")}\n`;
}

function flags(client: Client): string {
  const letters = (client.noEvict ? "e" : "") + (client.noTouch ? "T" : "");
  return letters === "" ? "N" : letters;
}

/** Whole seconds; a clock that was set back counts as none. */
function secondsSince(thenMs: number, nowMs: number): number {
  return Math.max(0, Math.floor((nowMs - thenMs) / 1000));
}
