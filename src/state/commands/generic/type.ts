// TYPE key

import { SimpleString } from "../../../resp/reply.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type ReadCommand } from "../spec.ts";

const none = new SimpleString("none");

export const type: ReadCommand = {
  kind: "read",
  name: "type",
  summary: "The type of the value at a key, or `none`.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 2,
  flags: ["fast"],
  touches: false,
  categories: ["keyspace"],
  keys: oneKey("RO"),
  arguments: [keyArgument],
  read(db, args) {
    const name = db.typeOf(word(args, 1));
    return name === undefined ? none : new SimpleString(name);
  },
};
