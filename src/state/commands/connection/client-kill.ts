// CLIENT KILL ip:port, CLIENT KILL option value [option value ...]

import { errors } from "../../../resp/errors.ts";
import { type Bytes, type ErrorReply, ok } from "../../../resp/reply.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { parseInteger } from "../../parse/integers.ts";
import type { Client } from "../session-context.ts";
import type { SessionCommand, SessionContext } from "../spec.ts";
import { takesNormalClients } from "./client-types.ts";

export const clientKill: SessionCommand = {
  kind: "session",
  name: "kill",
  summary: "Closes connections.",
  since: "2.4.0",
  group: "connection",
  complexity: "O(N) in the number of connections",
  history: [
    ["2.8.12", "Several filters in one call."],
    ["2.8.12", "Filtering by `ID`."],
    ["3.2.0", "`TYPE` knows `master`."],
    ["5.0.0", "`TYPE` knows `replica`; `slave` means the same."],
    ["6.2.0", "Filtering by `LADDR`."],
  ],
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  arguments: [
    {
      name: "filter",
      type: "oneof",
      arguments: [
        { name: "ip:port", type: "string", deprecatedSince: "2.8.12" },
        {
          name: "new-format",
          type: "oneof",
          flags: ["multiple"],
          arguments: [
            {
              name: "client-id",
              type: "integer",
              token: "ID",
              since: "2.8.12",
              flags: ["optional"],
            },
            {
              name: "normal_master_slave_pubsub",
              type: "oneof",
              token: "TYPE",
              since: "2.8.12",
              flags: ["optional"],
              arguments: [
                { name: "normal", type: "pure-token", token: "NORMAL" },
                { name: "master", type: "pure-token", token: "MASTER", since: "3.2.0" },
                { name: "slave", type: "pure-token", token: "SLAVE" },
                { name: "replica", type: "pure-token", token: "REPLICA", since: "5.0.0" },
                { name: "pubsub", type: "pure-token", token: "PUBSUB" },
              ],
            },
            { name: "username", type: "string", token: "USER", flags: ["optional"] },
            { name: "ip:port", type: "string", token: "ADDR", flags: ["optional"] },
            {
              name: "ip:port",
              type: "string",
              token: "LADDR",
              since: "6.2.0",
              flags: ["optional"],
            },
            { name: "yes/no", type: "string", token: "SKIPME", flags: ["optional"] },
          ],
        },
      ],
    },
  ],
  run(context, args) {
    if (args.length === 3) {
      const filter = { ...everybody, address: word(args, 2), skipMe: false };
      return kill(context, filter) === 0 ? errors.noSuchClient : ok;
    }
    const filter = filterOf(args);
    return "type" in filter ? filter : kill(context, filter);
  },
};

/** A client is closed when it meets all of it; undefined asks for nothing. */
interface Filter {
  readonly id: number | undefined;
  readonly address: Bytes | undefined;
  readonly localAddress: Bytes | undefined;
  readonly normal: boolean;
  readonly skipMe: boolean;
}

const everybody: Filter = {
  id: undefined,
  address: undefined,
  localAddress: undefined,
  normal: true,
  skipMe: true,
};

function filterOf(args: Arguments): Filter | ErrorReply {
  let filter = everybody;
  for (let at = 2; at < args.length; at += 2) {
    const value = args[at + 1];
    if (value === undefined) return errors.syntax;
    const added = optionOf(word(args, at).toLowerCase(), value);
    if ("type" in added) return added;
    filter = { ...filter, ...added };
  }
  return filter;
}

function optionOf(option: string, value: Bytes): Partial<Filter> | ErrorReply {
  switch (option) {
    case "id":
      return idOf(value);
    case "type": {
      const normal = takesNormalClients(value);
      return typeof normal === "boolean" ? { normal } : normal;
    }
    case "addr":
      return { address: value };
    case "laddr":
      return { localAddress: value };
    case "user":
      return value === "default" ? {} : errors.noSuchUser(value);
    case "skipme":
      return skipMeOf(value.toLowerCase());
    default:
      return errors.syntax;
  }
}

function idOf(value: Bytes): Partial<Filter> | ErrorReply {
  const id = parseInteger(value);
  return id === undefined || id < 1 ? errors.clientIdTooSmall : { id: Number(id) };
}

function skipMeOf(value: string): Partial<Filter> | ErrorReply {
  if (value === "yes") return { skipMe: true };
  return value === "no" ? { skipMe: false } : errors.syntax;
}

/** How many clients it closed. */
function kill({ client: me, server }: SessionContext, filter: Filter): number {
  // Chosen first: closing one changes the collection that is walked.
  const chosen = [...server.clients()].filter(
    (client) => !(filter.skipMe && client.id === me.id) && meets(client, filter),
  );
  return chosen.filter((client) => {
    if (client.id !== me.id) return server.killClient(client.id);
    me.closeAfterReply();
    return true;
  }).length;
}

function meets(client: Client, { id, address, localAddress, normal }: Filter): boolean {
  return (
    normal &&
    (id === undefined || client.id === id) &&
    (address === undefined || client.address === address) &&
    (localAddress === undefined || client.localAddress === localAddress)
  );
}
