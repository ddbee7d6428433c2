// TTL key

import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type ReadCommand } from "../spec.ts";
import { timeToLive, toSeconds } from "./shared.ts";

export const ttl: ReadCommand = {
  kind: "read",
  name: "ttl",
  summary: "How long a key still lives, in seconds.",
  since: "1.0.0",
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
    return toSeconds(timeToLive(db, word(args, 1)));
  },
};
