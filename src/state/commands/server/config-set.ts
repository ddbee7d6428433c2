// CONFIG SET parameter value [parameter value ...]

import { errors } from "../../../resp/errors.ts";
import { ok } from "../../../resp/reply.ts";
import { word } from "../../parse/arguments.ts";
import type { SessionCommand } from "../spec.ts";

export const configSet: SessionCommand = {
  kind: "session",
  name: "set",
  summary: "Changes options of the running node.",
  since: "2.0.0",
  group: "server",
  complexity: "O(N) in the number of options",
  history: [["7.0.0", "Takes several options."]],
  arity: -4,
  flags: ["admin", "noscript", "loading", "stale"],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  arguments: [
    {
      name: "parameter_value",
      type: "block",
      flags: ["multiple"],
      arguments: [
        { name: "parameter", type: "string" },
        { name: "value", type: "string" },
      ],
    },
  ],
  async run({ server }, args) {
    if (args.length % 2 !== 0) return errors.syntax;
    const known = new Set(server.config.all().map(([name]) => name));
    const pairs = new Map<string, readonly [spelled: string, value: string]>();
    for (let at = 2; at < args.length; at += 2) {
      const spelled = word(args, at);
      const name = spelled.toLowerCase();
      if (!known.has(name)) return errors.unknownConfigOption(spelled);
      if (pairs.has(name)) return errors.configSetFailed(spelled, "duplicate parameter");
      pairs.set(name, [spelled, word(args, at + 1)]);
    }
    return (await server.config.set([...pairs.values()])) ?? ok;
  },
};
