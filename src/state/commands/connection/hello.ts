// HELLO [protover [AUTH username password] [SETNAME clientname]]

import { errors } from "../../../resp/errors.ts";
import { type Bytes, type ErrorReply, MapReply, type Protocol } from "../../../resp/reply.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { parseInteger } from "../../parse/integers.ts";
import type { SessionCommand, SessionContext } from "../spec.ts";
import { authenticate } from "./auth.ts";
import { isClientWord } from "./client-name.ts";

export const hello: SessionCommand = {
  kind: "session",
  name: "hello",
  summary: "Opens a conversation: protocol version, credentials and name at once.",
  since: "6.0.0",
  group: "connection",
  complexity: "O(1)",
  history: [["6.2.0", "Without a version it only describes the connection."]],
  arity: -1,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  categories: ["connection"],
  arguments: [
    {
      name: "arguments",
      type: "block",
      flags: ["optional"],
      arguments: [
        { name: "protover", type: "integer" },
        {
          name: "username_password",
          type: "block",
          token: "AUTH",
          flags: ["optional"],
          arguments: [
            { name: "username", type: "string" },
            { name: "password", type: "string" },
          ],
        },
        { name: "clientname", type: "string", token: "SETNAME", flags: ["optional"] },
      ],
    },
  ],
  run(context, args) {
    const { client, server } = context;
    const version = args.length > 1 ? protocolOf(word(args, 1)) : client.protocol;
    if (typeof version !== "number") return version;
    const refusal = takeOptions(context, args);
    if (refusal !== null) return refusal;
    if (!client.authenticated) return errors.helloUnauthenticated;
    client.protocol = version;
    return new MapReply([
      ["server", "redis"],
      ["version", server.version],
      ["proto", version],
      ["id", client.id],
      ["mode", "standalone"],
      // Every node takes reads and writes, so to a client every node is a master.
      ["role", "master"],
      ["modules", []],
    ]);
  },
};

function protocolOf(text: Bytes): Protocol | ErrorReply {
  const version = parseInteger(text);
  if (version === undefined) return errors.protocolNotAnInteger;
  return version === 2 || version === 3 ? version : errors.unsupportedProtocol;
}

/** As in Redis each option takes effect where it stands, although a later one may be refused. */
function takeOptions(
  context: SessionContext,
  args: Arguments,
): ErrorReply | Promise<ErrorReply> | null {
  for (let at = 2; at < args.length; ) {
    const option = word(args, at).toLowerCase();
    const left = args.length - at - 1;
    if (option === "auth" && left >= 2) {
      const refusal = authenticate(context, word(args, at + 1), word(args, at + 2));
      if (refusal !== null) return refusal;
      at += 3;
    } else if (option === "setname" && left >= 1) {
      const name = word(args, at + 1);
      if (!isClientWord(name)) return errors.clientName;
      context.client.name = name;
      at += 2;
    } else {
      return errors.helloOption(word(args, at));
    }
  }
  return null;
}
