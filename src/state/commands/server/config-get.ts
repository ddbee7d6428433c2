// CONFIG GET parameter [parameter ...]

import { type Bytes, MapReply } from "../../../resp/reply.ts";
import { matchesGlob } from "../../parse/glob.ts";
import type { SessionCommand } from "../spec.ts";

export const configGet: SessionCommand = {
  kind: "session",
  name: "get",
  summary: "Answers the options that match, with their values.",
  since: "2.0.0",
  group: "server",
  complexity: "O(N) in the number of options",
  history: [["7.0.0", "Takes several patterns."]],
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  arguments: [
    {
      name: "parameter",
      type: "block",
      flags: ["multiple"],
      arguments: [{ name: "parameter", type: "string" }],
    },
  ],
  run({ server }, args) {
    const options = server.config.all();
    const found = new Map<string, readonly [Bytes, string]>();
    for (const asked of args.slice(2)) {
      const isPattern = /[*?[]/.test(asked);
      for (const [name, value] of options) {
        const fits = isPattern ? matchesGlob(asked, name, true) : asked.toLowerCase() === name;
        if (!fits || found.has(name)) continue;
        // As in Redis, an option that was named in full comes back in the client's spelling.
        found.set(name, [isPattern ? name : asked, value]);
      }
    }
    return new MapReply([...found.values()]);
  },
};
