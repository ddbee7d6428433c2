// AUTH [username] password

import { wrongPasswordsMax, wrongPasswordWaitMs } from "../../../constants.ts";
import { errors } from "../../../resp/errors.ts";
import { type Bytes, type ErrorReply, ok } from "../../../resp/reply.ts";
import { word } from "../../parse/arguments.ts";
import { optionValue } from "../options.ts";
import type { Client } from "../session-context.ts";
import type { SessionCommand, SessionContext } from "../spec.ts";

const defaultUser = "default";

/** Wrong passwords in a row, by client. RESET does not forget them, the end of the connection does. */
const wrongPasswords = new WeakMap<Client, number>();

export const auth: SessionCommand = {
  kind: "session",
  name: "auth",
  summary: "Proves to the server who the client is.",
  since: "1.0.0",
  group: "connection",
  complexity: "O(N) in the number of the user's passwords",
  history: [["6.0.0", "A user name may come before the password."]],
  arity: -2,
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
  categories: ["connection"],
  arguments: [
    { name: "username", type: "string", since: "6.0.0", flags: ["optional"] },
    { name: "password", type: "string" },
  ],
  run(context, args) {
    if (args.length > 3) return errors.syntax;
    const named = args.length === 3;
    if (!named && (optionValue(context.server.config, "requirepass") ?? "") === "") {
      return errors.noPasswordConfigured;
    }
    const user = named ? word(args, 1) : defaultUser;
    return authenticate(context, user, word(args, named ? 2 : 1)) ?? ok;
  },
};

/**
 * Lets the client in and returns null, or returns why not. The refusal of a client that goes on guessing comes late:
 * its own next requests wait behind it, other clients do not notice.
 */
export function authenticate(
  { client, server }: SessionContext,
  user: Bytes,
  password: Bytes,
): ErrorReply | Promise<ErrorReply> | null {
  const refusal = server.authenticate(user, password);
  if (refusal === null) {
    wrongPasswords.delete(client);
    client.authenticated = true;
    return null;
  }
  const wrong = (wrongPasswords.get(client) ?? 0) + 1;
  wrongPasswords.set(client, wrong);
  if (wrong <= wrongPasswordsMax) return refusal;
  return server.sleep(wrongPasswordWaitMs).then(() => refusal);
}
