// KEYS pattern

import type { Bytes } from "../../../resp/reply.ts";
import { word } from "../../arguments.ts";
import { matchesGlob } from "../../glob.ts";
import type { ReadCommand } from "../spec.ts";

export const keys: ReadCommand = {
  kind: "read",
  name: "keys",
  summary: "Every key whose name matches a glob pattern.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(N), the number of keys in the database.",
  arity: 2,
  flags: [],
  categories: ["keyspace", "dangerous"],
  tips: ["request_policy:all_shards", "nondeterministic_output_order"],
  arguments: [{ name: "pattern", type: "pattern" }],
  read(db, args) {
    const pattern = word(args, 1);
    if (pattern === "*") return [...db.keys()];
    const found: Bytes[] = [];
    for (const key of db.keys()) {
      if (matchesGlob(pattern, key)) found.push(key);
    }
    return found;
  },
};
