// OBJECT FREQ key

import { errors } from "../../../resp/errors.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument, keyAt } from "../declare.ts";
import type { ReadCommand } from "../spec.ts";

export const objectFreq: ReadCommand = {
  kind: "read",
  name: "freq",
  summary: "How often a value is used; not tracked here.",
  since: "4.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: [],
  categories: ["keyspace"],
  tips: ["nondeterministic_output"],
  keys: [keyAt(2, "RO")],
  arguments: [keyArgument],
  read(db, args) {
    return db.has(word(args, 2)) ? errors.frequencyNotTracked : null;
  },
};
