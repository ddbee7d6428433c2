// DECR key

import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { incrementBy } from "./shared.ts";

export const decr: WriteCommand = {
  kind: "write",
  name: "decr",
  summary: "Takes one from the integer at a key; a missing key counts as 0.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  arity: 2,
  flags: ["denyoom", "fast"],
  categories: ["string"],
  keys: oneKey("RW", "access", "update"),
  arguments: [keyArgument],
  apply(db, args) {
    return incrementBy(db, word(args, 1), -1);
  },
};
