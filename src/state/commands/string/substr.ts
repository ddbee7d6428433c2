// SUBSTR key start end

import { keyArgument } from "../declare.ts";
import { oneKey, type ReadCommand } from "../spec.ts";
import { stringRange } from "./range.ts";

export const substr: ReadCommand = {
  kind: "read",
  name: "substr",
  summary: "The older name of GETRANGE.",
  since: "1.0.0",
  group: "string",
  complexity: "O(N), N being the length of the part.",
  deprecated: { since: "2.0.0", replacedBy: "`GETRANGE`" },
  docFlags: ["deprecated"],
  arity: 4,
  flags: [],
  categories: ["string"],
  keys: oneKey("RO", "access"),
  arguments: [keyArgument, { name: "start", type: "integer" }, { name: "end", type: "integer" }],
  read(db, args) {
    return stringRange(db, args);
  },
};
