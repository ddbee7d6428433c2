// SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]

import { errors } from "../../../resp/errors.ts";
import { noReply } from "../../../resp/reply.ts";
import type { Arguments } from "../../parse/arguments.ts";
import type { SessionCommand } from "../spec.ts";

const options = new Set(["nosave", "save", "now", "force", "abort"]);

export const shutdown: SessionCommand = {
  kind: "session",
  name: "shutdown",
  summary: "Ends this node in order.",
  since: "1.0.0",
  group: "server",
  complexity: "O(N) in the number of changed keys when saving, otherwise O(1)",
  history: [["7.0.0", "The modifiers `NOW`, `FORCE` and `ABORT`."]],
  arity: -1,
  flags: ["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
  arguments: [
    {
      name: "nosave_save",
      type: "oneof",
      flags: ["optional"],
      arguments: [
        { name: "nosave", type: "pure-token", token: "NOSAVE" },
        { name: "save", type: "pure-token", token: "SAVE" },
      ],
    },
    { name: "now", type: "pure-token", token: "NOW", since: "7.0.0", flags: ["optional"] },
    { name: "force", type: "pure-token", token: "FORCE", since: "7.0.0", flags: ["optional"] },
    { name: "abort", type: "pure-token", token: "ABORT", since: "7.0.0", flags: ["optional"] },
  ],
  async run({ server }, args) {
    const chosen = optionsOf(args);
    if (chosen === undefined) return errors.syntax;
    // An end that has begun is never called off, so there is nothing that ABORT could find.
    if (chosen.has("abort")) return errors.noShutdown;
    // What was acknowledged is in the log already: a checkpoint only makes the next start shorter.
    const hasNews = server.loading === null && !server.checkpointRunning;
    if (chosen.has("save") && hasNews) await server.checkpoint();
    server.shutdown();
    return noReply;
  },
};

/** Undefined for unknown options and for those that contradict each other. */
function optionsOf(args: Arguments): ReadonlySet<string> | undefined {
  const chosen = new Set(args.slice(1).map((option) => option.toLowerCase()));
  if (![...chosen].every((option) => options.has(option))) return undefined;
  if (chosen.has("save") && chosen.has("nosave")) return undefined;
  return chosen.has("abort") && chosen.size > 1 ? undefined : chosen;
}
