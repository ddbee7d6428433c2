// CLIENT REPLY ON|OFF|SKIP, CLIENT NO-EVICT ON|OFF, CLIENT NO-TOUCH ON|OFF

import { errors } from "../../../resp/errors.ts";
import { type Bytes, noReply, ok } from "../../../resp/reply.ts";
import { word } from "../../parse/arguments.ts";
import type { SessionCommand } from "../spec.ts";

export const clientReply: SessionCommand = {
  kind: "session",
  name: "reply",
  summary: "Turns the replies to this connection off and on.",
  since: "3.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  arguments: [
    {
      name: "on_off_skip",
      type: "oneof",
      arguments: [
        { name: "on", type: "pure-token", token: "ON" },
        { name: "off", type: "pure-token", token: "OFF" },
        { name: "skip", type: "pure-token", token: "SKIP" },
      ],
    },
  ],
  run({ client }, args) {
    switch (word(args, 2).toLowerCase()) {
      case "on":
        client.replyMode = "on";
        return ok;
      case "off":
        client.replyMode = "off";
        return noReply;
      case "skip":
        if (client.replyMode !== "off") client.replyMode = "skip";
        return noReply;
      default:
        return errors.syntax;
    }
  },
};

export const clientNoEvict: SessionCommand = {
  kind: "session",
  name: "no-evict",
  summary: "Protects this connection from eviction.",
  since: "7.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 3,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  arguments: [
    {
      name: "enabled",
      type: "oneof",
      arguments: [
        { name: "on", type: "pure-token", token: "ON" },
        { name: "off", type: "pure-token", token: "OFF" },
      ],
    },
  ],
  run({ client }, args) {
    const on = onOrOff(word(args, 2));
    if (on === undefined) return errors.syntax;
    client.noEvict = on;
    return ok;
  },
};

export const clientNoTouch: SessionCommand = {
  kind: "session",
  name: "no-touch",
  summary: "Lets this connection read without touching the access times of keys.",
  since: "7.2.0",
  group: "connection",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript", "loading", "stale"],
  categories: ["connection"],
  arguments: [
    {
      name: "enabled",
      type: "oneof",
      arguments: [
        { name: "on", type: "pure-token", token: "ON" },
        { name: "off", type: "pure-token", token: "OFF" },
      ],
    },
  ],
  run({ client }, args) {
    const on = onOrOff(word(args, 2));
    if (on === undefined) return errors.syntax;
    client.noTouch = on;
    return ok;
  },
};

function onOrOff(text: Bytes): boolean | undefined {
  const lower = text.toLowerCase();
  if (lower === "on") return true;
  return lower === "off" ? false : undefined;
}
