// PING [message]

import { errors } from "../../../resp/errors.ts";
import { SimpleString } from "../../../resp/reply.ts";
import type { SessionCommand } from "../spec.ts";

const pong = new SimpleString("PONG");

export const ping: SessionCommand = {
  kind: "session",
  name: "ping",
  summary: "Answers PONG, or its argument.",
  since: "1.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: -1,
  flags: ["fast"],
  categories: ["connection"],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  arguments: [{ name: "message", type: "string", flags: ["optional"] }],
  run(_context, args) {
    if (args.length > 2) return errors.arity("ping");
    return args[1] ?? pong;
  },
};
