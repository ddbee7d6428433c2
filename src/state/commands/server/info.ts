// INFO [section [section ...]]

import { VerbatimReply } from "../../../resp/reply.ts";
import type { SessionCommand } from "../spec.ts";
import { infoText } from "./info-text.ts";

export const info: SessionCommand = {
  kind: "session",
  name: "info",
  summary: "Reports on this node, section by section.",
  since: "1.0.0",
  group: "server",
  complexity: "O(N) in the number of connections and members",
  history: [["7.0.0", "Takes several sections."]],
  arity: -1,
  flags: ["loading", "stale"],
  categories: ["dangerous"],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  arguments: [{ name: "section", type: "string", flags: ["optional", "multiple"] }],
  run: (context, args) => new VerbatimReply(infoText(context, args.slice(1))),
};
