// AUTH [username] password

import { errors } from "../../../resp/errors.ts";
import { ok } from "../../../resp/reply.ts";
import { word } from "../../arguments.ts";
import { optionValue } from "../options.ts";
import type { SessionCommand } from "../spec.ts";

const defaultUser = "default";

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
  run({ client, server }, args) {
    if (args.length > 3) return errors.syntax;
    const named = args.length === 3;
    if (!named && (optionValue(server.config, "requirepass") ?? "") === "") {
      return errors.noPasswordConfigured;
    }
    const user = named ? word(args, 1) : defaultUser;
    const refusal = server.authenticate(user, word(args, named ? 2 : 1));
    if (refusal !== null) return refusal;
    client.authenticated = true;
    return ok;
  },
};
