// RENAME key newkey

import { errors } from "../../../resp/errors.ts";
import { ok } from "../../../resp/reply.ts";
import { keyArgument, keyAt, keyNamed } from "../declare.ts";
import type { WriteCommand } from "../spec.ts";
import { rename as renameKey } from "./shared.ts";

export const rename: WriteCommand = {
  kind: "write",
  name: "rename",
  summary: "Gives a key another name; a key of that name is overwritten.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(1)",
  arity: 3,
  flags: [],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "access", "delete"), keyAt(2, "OW", "update")],
  arguments: [keyArgument, keyNamed("newkey", 1)],
  apply(db, args) {
    return renameKey(db, args, false) === "missing" ? errors.noSuchKey : ok;
  },
};
