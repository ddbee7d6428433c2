// MGET key [key ...]

import type { Bytes } from "../../../resp/reply.ts";
import { word } from "../../arguments.ts";
import { allKeys, keyArguments } from "../declare.ts";
import type { ReadCommand } from "../spec.ts";

export const mget: ReadCommand = {
  kind: "read",
  name: "mget",
  summary: "The strings at several keys; null where there is none.",
  since: "1.0.0",
  group: "string",
  complexity: "O(N), the number of keys.",
  arity: -2,
  flags: ["fast"],
  categories: ["string"],
  tips: ["request_policy:multi_shard"],
  keys: allKeys("RO", "access"),
  arguments: [keyArguments],
  read(db, args) {
    const values: (Bytes | null)[] = [];
    for (let at = 1; at < args.length; at += 1) {
      const current = db.string(word(args, at));
      values.push(typeof current === "string" ? current : null);
    }
    return values;
  },
};
