// CLIENT PAUSE timeout [WRITE | ALL], CLIENT UNPAUSE

import { errors } from "../../../resp/errors.ts";
import { ok } from "../../../resp/reply.ts";
import { word } from "../../parse/arguments.ts";
import { clampToSafe, parseInteger } from "../../parse/integers.ts";
import type { SessionCommand } from "../spec.ts";

export const clientPause: SessionCommand = {
  kind: "session",
  name: "pause",
  summary: "Holds back the commands of all clients for a while.",
  since: "2.9.50",
  group: "connection",
  complexity: "O(1)",
  history: [["6.2.0", "A mode; `WRITE` holds back writes alone."]],
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  arguments: [
    { name: "timeout", type: "integer" },
    {
      name: "mode",
      type: "oneof",
      since: "6.2.0",
      flags: ["optional"],
      arguments: [
        { name: "write", type: "pure-token", token: "WRITE" },
        { name: "all", type: "pure-token", token: "ALL" },
      ],
    },
  ],
  run({ server }, args) {
    if (args.length > 4) return errors.subcommandUsage("CLIENT", word(args, 1));
    const mode = args[3]?.toLowerCase() ?? "all";
    if (mode !== "all" && mode !== "write") return errors.pauseMode;
    const timeoutMs = parseInteger(word(args, 2));
    if (timeoutMs === undefined) return errors.timeoutNotAnInteger;
    if (timeoutMs < 0) return errors.timeoutNegative;
    const until = server.nowMs() + clampToSafe(timeoutMs);
    server.pauseClients(Math.min(until, Number.MAX_SAFE_INTEGER), mode);
    return ok;
  },
};

export const clientUnpause: SessionCommand = {
  kind: "session",
  name: "unpause",
  summary: "Lets paused clients go on.",
  since: "6.2.0",
  group: "connection",
  complexity: "O(N) in the number of paused clients",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],
  categories: ["connection"],
  run({ server }) {
    server.unpauseClients();
    return ok;
  },
};
