// COPY source destination [DB destination-db] [REPLACE]

import { errors } from "../../../resp/errors.ts";
import type { ErrorReply } from "../../../resp/reply.ts";
import { isError } from "../../keyspace/views.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { optionName } from "../../parse/option-name.ts";
import type { Steps } from "../../steps.ts";
import { keyAt, keyNamed, token } from "../declare.ts";
import type { SlicedReply } from "../sliced.ts";
import type { WriteCommand } from "../spec.ts";
import { parseDatabase } from "./shared.ts";

export const copy: WriteCommand = {
  kind: "write",
  name: "copy",
  summary: "Copies a value and its expiry to another key.",
  since: "6.2.0",
  group: "generic",
  complexity: "O(1) for a string, O(N) for a collection of N elements.",
  arity: -3,
  flags: ["denyoom"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO", "access"), keyAt(2, "OW", "update")],
  arguments: [
    keyNamed("source"),
    keyNamed("destination", 1),
    { name: "destination-db", type: "integer", token: "DB", flags: ["optional"] },
    token("REPLACE", { flags: ["optional"] }),
  ],
  apply(db, args) {
    const options = parseOptions(args, db.index);
    if (isError(options)) return options;
    const source = word(args, 1);
    const target = word(args, 2);
    if (options.database === db.index && source === target) return errors.sameObject;
    if (!db.has(source)) return 0;
    const destination = db.select(options.database);
    if (!options.replace && destination.has(target)) return 0;
    return inSteps(db.copy(source, destination, target));
  },
};

function* inSteps(copying: Steps<void>): SlicedReply {
  yield* copying;
  return 1;
}

interface Options {
  database: number;
  replace: boolean;
}

function parseOptions(args: Arguments, current: number): Options | ErrorReply {
  const options: Options = { database: current, replace: false };
  for (let at = 3; at < args.length; at += 1) {
    const name = optionName(word(args, at));
    const next = args[at + 1];
    if (name === "replace") {
      options.replace = true;
    } else if (name === "db" && next !== undefined) {
      const database = parseDatabase(next);
      if (isError(database)) return database;
      options.database = database;
      at += 1;
    } else {
      return errors.syntax;
    }
  }
  return options;
}
