// OBJECT FREQ key

import { errors } from "../../../resp/errors.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument, keyAt } from "../declare.ts";
import type { ReadCommand } from "../spec.ts";

export const objectFreq: ReadCommand = {
  kind: "read",
  name: "freq",
  summary: "How often a value is used, as an LFU policy counts it.",
  since: "4.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: [],
  touches: false,
  categories: ["keyspace"],
  tips: ["nondeterministic_output"],
  keys: [keyAt(2, "RO")],
  arguments: [keyArgument],
  read(db, args) {
    const count = db.useCount(word(args, 2));
    if (count === undefined) return null;
    return db.countsUses === "rare" ? count : errors.frequencyNotTracked;
  },
};
