// INCRBY key increment

import { errors } from "../../../resp/errors.ts";
import { word } from "../../parse/arguments.ts";
import { parseInteger } from "../../parse/integers.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { incrementBy } from "./shared.ts";

export const incrby: WriteCommand = {
  kind: "write",
  name: "incrby",
  summary: "Adds to the integer at a key; a missing key counts as 0.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["denyoom", "fast"],
  categories: ["string"],
  keys: oneKey("RW", "access", "update"),
  arguments: [keyArgument, { name: "increment", type: "integer" }],
  apply(db, args) {
    const increment = parseInteger(word(args, 2));
    if (increment === undefined) return errors.notAnInteger;
    return incrementBy(db, word(args, 1), increment);
  },
};
