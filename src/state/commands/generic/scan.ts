// SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]

import { errors } from "../../../resp/errors.ts";
import { type Bytes, type ErrorReply, LongArray, type Reply } from "../../../resp/reply.ts";
import { isError, type ReadView } from "../../keyspace/views.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { parseCursor } from "../../parse/cursor.ts";
import { matchesGlob } from "../../parse/glob.ts";
import { clampToSafe, parseInteger } from "../../parse/integers.ts";
import { optionName } from "../../parse/option-name.ts";
import { matchCost, type SlicedReply, stepBytes } from "../sliced.ts";
import type { ReadCommand } from "../spec.ts";

/** How many keys a step visits unless COUNT says otherwise. */
const countDefault = 10;
/** A walk of more keys than this goes in parts, between which it may pause. */
const partKeys = 64;

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
  touches: false,
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
    if (isError(options)) return options;
    // No cursor of ours is that large; whoever made it up is at the end.
    if (typeof cursor === "bigint") return ["0", []];

    const walk = new Walk(db, cursor, options);
    if (options.count > partKeys) return inSteps(walk, options.count);
    walk.visit(options.count);
    return walk.reply;
  },
};

/** The keys between two cursors that the options ask for. */
class Walk {
  /** 0 behind the last key. */
  cursor: number;
  /** Bytes compared since this was set to 0. */
  cost = 0;
  readonly #found = new LongArray();
  readonly #db: ReadView;
  readonly #options: Options;

  constructor(db: ReadView, cursor: number, options: Options) {
    this.#db = db;
    this.cursor = cursor;
    this.#options = options;
  }

  get reply(): Reply {
    return [String(this.cursor), this.#found.reply];
  }

  /** Goes on by about `count` keys. */
  visit(count: number): void {
    const { pattern, type } = this.#options;
    this.cursor = this.#db.scan(this.cursor, count, (key) => {
      this.cost += matchCost(pattern?.length ?? 0, key.length);
      if (pattern !== undefined && !matchesGlob(pattern, key)) return;
      if (type !== undefined && this.#db.typeOf(key) !== type) return;
      this.#found.push(key);
    });
  }
}

function* inSteps(walk: Walk, count: number): SlicedReply {
  for (let left = count; left > 0; left -= partKeys) {
    walk.visit(Math.min(left, partKeys));
    if (walk.cursor === 0) break;
    if (walk.cost < stepBytes) continue;
    walk.cost = 0;
    yield;
  }
  return walk.reply;
}

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
