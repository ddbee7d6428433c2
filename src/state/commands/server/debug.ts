// DEBUG SLEEP | ERROR | SET-ACTIVE-EXPIRE | PROTOCOL | HELP: what test suites of clients ask for

import { errors } from "../../../resp/errors.ts";
import { ErrorReply, ok, type Reply } from "../../../resp/reply.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { helpReply } from "../help.ts";
import { optionValue } from "../options.ts";
import type { Client, Config } from "../session-context.ts";
import type { SessionCommand, SessionContext } from "../spec.ts";
import { protocolExample } from "./debug-protocol.ts";

interface Subcommand {
  /** Words, DEBUG and the name among them. */
  readonly words: number;
  readonly help: readonly string[];
  run(context: SessionContext, args: Arguments): Reply | Promise<Reply>;
}

/**
 * Commands that would crash, corrupt or diverge a node, or that show what only Redis has inside, are unknown
 * here: a replicated server must not offer them to whoever can reach its port.
 */
const subcommands: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  [
    "error",
    {
      words: 3,
      help: [
        "ERROR <string>",
        "    Return a Redis protocol error with <string> as message. Useful for clients",
        "    unit tests to simulate Redis errors.",
      ],
      run: (_context, args) => new ErrorReply(word(args, 2).replace(/[\r\n]/g, " ")),
    },
  ],
  [
    "protocol",
    {
      words: 3,
      help: [
        "PROTOCOL <type>",
        "    Reply with a test value of the specified type. <type> can be: string,",
        "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
        "    true, false.",
      ],
      run: ({ client }, args) => protocolExample(client, word(args, 2).toLowerCase()),
    },
  ],
  [
    "set-active-expire",
    {
      words: 3,
      help: [
        "SET-ACTIVE-EXPIRE <0|1>",
        "    Setting it to 0 disables expiring keys in background when they are not",
        "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
        "    default.",
      ],
      run({ server }, args) {
        server.setActiveExpiry(leadingNumber(word(args, 2)) !== 0);
        return ok;
      },
    },
  ],
  [
    "sleep",
    {
      words: 3,
      help: ["SLEEP <seconds>", "    Stop the server for <seconds>. Decimals allowed."],
      run({ server }, args) {
        const ms = leadingNumber(word(args, 2)) * 1000;
        if (ms <= 0) return ok;
        // As Redis looks to its clients. The node itself goes on: it would lose its term.
        server.pauseClients(server.nowMs() + ms, "all");
        return server.sleep(ms).then(() => ok);
      },
    },
  ],
  ["help", { words: 2, help: [], run: () => help() }],
]);

export const debug: SessionCommand = {
  kind: "session",
  name: "debug",
  summary: "Helps to test clients and this server.",
  since: "1.0.0",
  group: "server",
  complexity: "Depends on the subcommand.",
  docFlags: ["syscmd"],
  arity: -2,
  flags: ["admin", "noscript", "loading", "stale"],
  run(context, args) {
    if (!isAllowed(context.server.config, context.client)) return errors.debugNotAllowed;
    const name = word(args, 1);
    const subcommand = subcommands.get(name.toLowerCase());
    if (subcommand === undefined || subcommand.words !== args.length) {
      return errors.subcommandUsage("DEBUG", name);
    }
    return subcommand.run(context, args);
  },
};

function help(): Reply {
  return helpReply(
    "DEBUG",
    [...subcommands.values()].flatMap((subcommand) => subcommand.help),
  );
}

/** `enable-debug-command` is "no" unless the configuration says otherwise, as in Redis 7. */
function isAllowed(config: Config, client: Client): boolean {
  const setting = optionValue(config, "enable-debug-command") ?? "no";
  if (setting !== "local") return setting === "yes";
  return /^(127\.|\[?::1\]?:|\[?::ffff:127\.)/.test(client.address);
}

/** The number that a text begins with, as C reads it; 0 when there is none. */
function leadingNumber(text: string): number {
  const value = Number.parseFloat(text);
  return Number.isFinite(value) ? value : 0;
}
