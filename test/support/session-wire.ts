// Replies as bytes, written plainly: what the server's own encoder has to produce, for byte for byte comparison.

import { unreachable } from "../../src/assert.ts";
import type {
  ErrorReply,
  NoReply,
  Protocol,
  Reply,
  SimpleString,
  TaggedReply,
} from "../../src/resp/reply.ts";

const bulk = (text: string) => `$${text.length}\r\n${text}\r\n`;

export function wire(reply: Reply, protocol: Protocol): string {
  if (reply === null) return protocol === 3 ? "_\r\n" : "$-1\r\n";
  if (typeof reply === "string") return bulk(reply);
  if (typeof reply === "number" || typeof reply === "bigint") return `:${reply}\r\n`;
  if (Array.isArray(reply)) return list("*", reply, protocol);
  return tagged(reply as TaggedReply, protocol);
}

function tagged(reply: TaggedReply, protocol: Protocol): string {
  return protocol === 3 ? third(reply) : second(reply);
}

function second(reply: TaggedReply): string {
  switch (reply.type) {
    case "null-array":
      return "*-1\r\n";
    case "set":
    case "push":
      return list("*", reply.items, 2);
    case "map":
      return list("*", reply.entries.flat(), 2);
    case "attribute":
      return wire(reply.reply, 2);
    case "boolean":
      return `:${Number(reply.value)}\r\n`;
    case "double":
      return bulk(String(reply.value));
    case "big-number":
      return bulk(reply.digits);
    case "verbatim":
      return bulk(reply.text);
    case "simple":
    case "error":
    case "none":
      return either(reply);
    default:
      return unreachable(reply);
  }
}

function third(reply: TaggedReply): string {
  switch (reply.type) {
    case "null-array":
      return "_\r\n";
    case "set":
      return list("~", reply.items, 3);
    case "push":
      return list(">", reply.items, 3);
    case "map":
      return pairs("%", reply.entries);
    case "attribute":
      return pairs("|", reply.attributes) + wire(reply.reply, 3);
    case "boolean":
      return `#${reply.value ? "t" : "f"}\r\n`;
    case "double":
      return `,${reply.value}\r\n`;
    case "big-number":
      return `(${reply.digits}\r\n`;
    case "verbatim":
      return `=${reply.text.length + 4}\r\n${reply.format}:${reply.text}\r\n`;
    case "simple":
    case "error":
    case "none":
      return either(reply);
    default:
      return unreachable(reply);
  }
}

function either(reply: SimpleString | ErrorReply | NoReply): string {
  if (reply.type === "none") return "";
  return `${reply.type === "error" ? "-" : "+"}${reply.text}\r\n`;
}

function list(sign: string, items: readonly Reply[], protocol: Protocol): string {
  return `${sign}${items.length}\r\n${items.map((item) => wire(item, protocol)).join("")}`;
}

function pairs(sign: string, entries: readonly (readonly [Reply, Reply])[]): string {
  return `${sign}${entries.length}\r\n${entries
    .flat()
    .map((item) => wire(item, 3))
    .join("")}`;
}
