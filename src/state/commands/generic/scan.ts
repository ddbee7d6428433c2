// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]

import { errors } from "../../../resp/errors.ts";
import type { Bytes, ErrorReply } from "../../../resp/reply.ts";
import { type Arguments, word } from "../../arguments.ts";
import { matchesGlob } from "../../glob.ts";
import { parseCursor } from "../../parse/cursor.ts";
import { clampToSafe, parseInteger } from "../../parse/integers.ts";
import { optionName } from "../../parse/option-name.ts";
import type { ReadView } from "../../views.ts";
import type { ReadCommand } from "../spec.ts";
import { typeName } from "./shared.ts";

/** How many keys a step visits unless COUNT says otherwise. */
const countDefault = 10;

interface Options {
  pattern: Bytes | undefined;
  type: Bytes | undefined;
  count: number;
}

export const scan: ReadCommand = {
  kind: "read",
  name: "scan",
  summary: "Walks through the keys in steps, from cursor 0 until the cursor is 0 again.",
  since: "2.8.0",
  group: "generic",
  complexity: "O(1) a step, O(N) for all of N keys.",
  history: [["6.0.0", "Option `TYPE`."]],
  arity: -2,
  flags: [],
  categories: ["keyspace"],
  tips: ["nondeterministic_output", "request_policy:special"],
  arguments: [
    { name: "cursor", type: "integer" },
    { name: "pattern", type: "pattern", token: "MATCH", flags: ["optional"] },
    { name: "count", type: "integer", token: "COUNT", flags: ["optional"] },
    { name: "type", type: "string", token: "TYPE", since: "6.0.0", flags: ["optional"] },
  ],
  read(db, args) {
    const cursor = parseCursor(word(args, 1));
    if (cursor === undefined) return errors.invalidCursor;
    const options = parseOptions(args);
    if ("text" in options) return options;
    // No cursor of ours is that large; whoever made it up is at the end.
    if (typeof cursor === "bigint") return ["0", []];

    const { pattern, type } = options;
    const found: Bytes[] = [];
    const next = db.scan(cursor, options.count, (key) => {
      if (pattern !== undefined && !matchesGlob(pattern, key)) return;
      if (type !== undefined && !hasType(db, key, type)) return;
      found.push(key);
    });
    return [String(next), found];
  },
};

function parseOptions(args: Arguments): Options | ErrorReply {
  const options: Options = { pattern: undefined, type: undefined, count: countDefault };
  for (let at = 2; at < args.length; at += 2) {
    const text = args[at + 1];
    const problem =
      text === undefined ? errors.syntax : setOption(options, optionName(word(args, at)), text);
    if (problem !== null) return problem;
  }
  return options;
}

function setOption(options: Options, name: Bytes, text: Bytes): ErrorReply | null {
  switch (name) {
    case "match":
      options.pattern = text === "*" ? undefined : text;
      return null;
    case "type":
      options.type = optionName(text);
      return null;
    case "count": {
      const count = parseInteger(text);
      if (count === undefined) return errors.notAnInteger;
      options.count = clampToSafe(count);
      return count < 1 ? errors.syntax : null;
    }
    default:
      return errors.syntax;
  }
}

function hasType(db: ReadView, key: Bytes, type: Bytes): boolean {
  const value = db.get(key);
  return value !== undefined && typeName(value) === type;
}
