// CLIENT GETNAME, CLIENT SETNAME connection-name, CLIENT SETINFO LIB-NAME|LIB-VER value

import { errors } from "../../../resp/errors.ts";
import { type Bytes, ok } from "../../../resp/reply.ts";
import { word } from "../../parse/arguments.ts";
import type { SessionCommand } from "../spec.ts";

export const clientGetname: SessionCommand = {
  kind: "session",
  name: "getname",
  summary: "Answers this connection's name.",
  since: "2.6.9",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  run: ({ client }) => (client.name === "" ? null : client.name),
};

export const clientSetname: SessionCommand = {
  kind: "session",
  name: "setname",
  summary: "Gives this connection a name.",
  since: "2.6.9",
  group: "connection",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  arguments: [{ name: "connection-name", type: "string" }],
  run({ client }, args) {
    const name = word(args, 2);
    if (!isClientWord(name)) return errors.clientName;
    client.name = name;
    return ok;
  },
};

export const clientSetinfo: SessionCommand = {
  kind: "session",
  name: "setinfo",
  summary: "Tells which client library speaks here.",
  since: "7.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 4,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  arguments: [
    {
      name: "attr",
      type: "oneof",
      arguments: [
        { name: "libname", type: "string", token: "LIB-NAME" },
        { name: "libver", type: "string", token: "LIB-VER" },
      ],
    },
  ],
  run({ client }, args) {
    const attribute = word(args, 2);
    const value = word(args, 3);
    const kind = attribute.toLowerCase();
    if (kind !== "lib-name" && kind !== "lib-ver") return errors.unrecognizedOption(attribute);
    if (!isClientWord(value)) return errors.clientAttribute(attribute);
    if (kind === "lib-name") client.libraryName = value;
    else client.libraryVersion = value;
    return ok;
  },
};

/** Printable ASCII without spaces, or nothing: such words leave a line of CLIENT LIST readable. */
export function isClientWord(text: Bytes): boolean {
  return /^[!-~]*$/.test(text);
}
