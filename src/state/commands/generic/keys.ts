// KEYS pattern

import { type Bytes, LongArray } from "../../../resp/reply.ts";
import type { ReadView } from "../../keyspace/views.ts";
import { word } from "../../parse/arguments.ts";
import { matchesGlob } from "../../parse/glob.ts";
import { matchCost, type SlicedReply, stepBytes } from "../sliced.ts";
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
    return matchingKeys(db, word(args, 1));
  },
};

function* matchingKeys(db: ReadView, pattern: Bytes): SlicedReply {
  const found = new LongArray();
  const isAll = pattern === "*";
  let left = stepBytes;
  for (const key of db.keys()) {
    if (isAll || matchesGlob(pattern, key)) found.push(key);
    left -= matchCost(isAll ? 0 : pattern.length, key.length);
    if (left > 0) continue;
    yield;
    left = stepBytes;
  }
  return found.reply;
}
