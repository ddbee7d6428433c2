// GETRANGE key start end

import { keyArgument } from "../declare.ts";
import { oneKey, type ReadCommand } from "../spec.ts";
import { stringRange } from "./range.ts";

export const getrange: ReadCommand = {
  kind: "read",
  name: "getrange",
  summary: "A part of the string at a key, by first and last position.",
  since: "2.4.0",
  group: "string",
  complexity: "O(N), N being the length of the part.",
  arity: 4,
  flags: [],
  categories: ["string"],
  keys: oneKey("RO", "access"),
  arguments: [keyArgument, { name: "start", type: "integer" }, { name: "end", type: "integer" }],
  read(db, args) {
    return stringRange(db, args);
  },
};
