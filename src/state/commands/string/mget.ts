// MGET key [key ...]

import { type Bytes, LongArray } from "../../../resp/reply.ts";
import { isError, type ReadView } from "../../keyspace/views.ts";
import type { Arguments } from "../../parse/arguments.ts";
import { allKeys, keyArguments } from "../declare.ts";
import { type SlicedReply, stepKeys } from "../sliced.ts";
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
    const keys = args.slice(1);
    return keys.length <= stepKeys ? keys.map((key) => stringAt(db, key)) : inSteps(db, keys);
  },
};

function stringAt(db: ReadView, key: Bytes): Bytes | null {
  const current = db.string(key);
  return current === undefined || isError(current) ? null : current;
}

function* inSteps(db: ReadView, keys: Arguments): SlicedReply {
  const values = new LongArray();
  for (let at = 0; at < keys.length; at += 1) {
    values.push(stringAt(db, keys[at] as Bytes));
    if (at % stepKeys === 0) yield;
  }
  return values.reply;
}
