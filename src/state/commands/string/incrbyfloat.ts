// INCRBYFLOAT key increment

import { isError } from "../../keyspace/views.ts";
import { word } from "../../parse/arguments.ts";
import { addLongDoubles, longDoubleTextMax } from "../../parse/long-double.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";

export const incrbyfloat: WriteCommand = {
  kind: "write",
  name: "incrbyfloat",
  summary: "Adds a decimal fraction to the number at a key; a missing key counts as 0.",
  since: "2.6.0",
  group: "string",
  complexity: "O(1)",
  arity: 3,
  flags: ["denyoom", "fast"],
  categories: ["string"],
  keys: oneKey("RW", "access", "update"),
  arguments: [keyArgument, { name: "increment", type: "double" }],
  apply(db, args) {
    const key = word(args, 1);
    const current = db.string(key, longDoubleTextMax + 1);
    if (isError(current)) return current;
    const sum = addLongDoubles(current ?? "0", word(args, 2));
    if (isError(sum)) return sum;
    db.update(key, sum);
    return sum;
  },
};
