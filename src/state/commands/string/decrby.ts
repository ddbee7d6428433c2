// DECRBY key decrement

import { errors } from "../../../resp/errors.ts";
import { word } from "../../parse/arguments.ts";
import { negateInteger, parseInteger } from "../../parse/integers.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { incrementBy } from "./shared.ts";

export const decrby: WriteCommand = {
  kind: "write",
  name: "decrby",
  summary: "Takes from the integer at a key; a missing key counts as 0.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["denyoom", "fast"],
  categories: ["string"],
  keys: oneKey("RW", "access", "update"),
  arguments: [keyArgument, { name: "decrement", type: "integer" }],
  apply(db, args) {
    const decrement = parseInteger(word(args, 2));
    if (decrement === undefined) return errors.notAnInteger;
    const increment = negateInteger(decrement);
    if (increment === undefined) return errors.decrementOverflow;
    return incrementBy(db, word(args, 1), increment);
  },
};
