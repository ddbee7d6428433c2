// MOVE key db

import { errors } from "../../../resp/errors.ts";
import { isError } from "../../keyspace/views.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument } from "../declare.ts";
import { oneKey, type WriteCommand } from "../spec.ts";
import { parseDatabase } from "./shared.ts";

export const move: WriteCommand = {
  kind: "write",
  name: "move",
  summary: "Moves a key into another database, if it has no such key.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: ["fast"],
  categories: ["keyspace"],
  keys: oneKey("RW", "access", "update"),
  arguments: [keyArgument, { name: "db", type: "integer" }],
  apply(db, args) {
    const index = parseDatabase(word(args, 2));
    if (isError(index)) return index;
    if (index === db.index) return errors.sameObject;
    const key = word(args, 1);
    if (!db.has(key)) return 0;
    const destination = db.select(index);
    if (destination.has(key)) return 0;
    db.rename(key, destination, key);
    return 1;
  },
};
