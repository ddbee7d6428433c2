// MEMORY USAGE key [SAMPLES count]

import { errors } from "../../../resp/errors.ts";
import type { ErrorReply } from "../../../resp/reply.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { parseInteger } from "../../parse/integers.ts";
import { optionName } from "../../parse/option-name.ts";
import { keyArgument, keyAt } from "../declare.ts";
import type { ReadCommand } from "../spec.ts";

export const memoryUsage: ReadCommand = {
  kind: "read",
  name: "usage",
  summary: "How many bytes a key and its value take: what they count for `maxmemory`.",
  since: "4.0.0",
  group: "server",
  complexity: "O(1)",
  arity: -3,
  flags: [],
  touches: false,
  keys: [keyAt(2, "RO")],
  arguments: [
    keyArgument,
    { name: "count", type: "integer", token: "SAMPLES", flags: ["optional"] },
  ],
  read(db, args) {
    return samplesProblem(args) ?? db.room(word(args, 2)) ?? null;
  },
};

/** The count itself changes nothing, because every value knows its size. */
function samplesProblem(args: Arguments): ErrorReply | null {
  for (let at = 3; at < args.length; at += 2) {
    const text = args[at + 1];
    if (optionName(word(args, at)) !== "samples" || text === undefined) return errors.syntax;
    const count = parseInteger(text);
    if (count === undefined) return errors.notAnInteger;
    if (count < 0) return errors.syntax;
  }
  return null;
}
