// ECHO message

import { word } from "../../parse/arguments.ts";
import type { SessionCommand } from "../spec.ts";

export const echo: SessionCommand = {
  kind: "session",
  name: "echo",
  summary: "Sends its argument back.",
  since: "1.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  categories: ["connection"],
  arguments: [{ name: "message", type: "string" }],
  run: (_context, args) => word(args, 1),
};
