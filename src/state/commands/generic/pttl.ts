// PTTL key

import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type ReadCommand } from "../spec.ts";
import { timeToLive } from "./shared.ts";

export const pttl: ReadCommand = {
  kind: "read",
  name: "pttl",
  summary: "How long a key still lives, in milliseconds.",
  since: "2.6.0",
  group: "generic",
  complexity: "O(1)",
  history: [["2.8.0", "Answers -2 for a missing key."]],
  arity: 2,
  flags: ["fast"],
  touches: false,
  categories: ["keyspace"],
  tips: ["nondeterministic_output"],
  keys: oneKey("RO", "access"),
  arguments: [keyArgument],
  read(db, args) {
    return timeToLive(db, word(args, 1));
  },
};
