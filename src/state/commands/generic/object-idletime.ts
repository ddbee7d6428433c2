// OBJECT IDLETIME key

import { errors } from "../../../resp/errors.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument, keyAt } from "../declare.ts";
import type { ReadCommand } from "../spec.ts";

export const objectIdletime: ReadCommand = {
  kind: "read",
  name: "idletime",
  summary: "How long a value was not used on this node, in seconds.",
  since: "2.2.3",
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
    const seconds = db.idleSeconds(word(args, 2));
    if (seconds === undefined) return null;
    return db.countsUses === "idle" ? seconds : errors.idleTimeNotTracked;
  },
};
