// OBJECT ENCODING key

import { strings } from "../../keyspace/strings.ts";
import { isError } from "../../keyspace/views.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument, keyAt } from "../declare.ts";
import type { ReadCommand } from "../spec.ts";
import { encodingOf } from "./encoding.ts";

export const objectEncoding: ReadCommand = {
  kind: "read",
  name: "encoding",
  summary: "How Redis would keep the value at a key: `int`, `embstr` or `raw`.",
  since: "2.2.3",
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: [],
  touches: false,
  categories: ["keyspace"],
  tips: ["nondeterministic_output"],
  keys: [keyAt(2, "RO")],
  arguments: [keyArgument],
  read(db, args) {
    const value = db.read(word(args, 2), strings);
    if (isError(value)) return value;
    return value === undefined ? null : encodingOf(value);
  },
};
