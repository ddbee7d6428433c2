// RENAMENX key newkey

import { errors } from "../../../resp/errors.ts";
import { keyArgument, keyAt, keyNamed } from "../declare.ts";
import type { WriteCommand } from "../spec.ts";
import { rename } from "./shared.ts";

export const renamenx: WriteCommand = {
  kind: "write",
  name: "renamenx",
  summary: "Gives a key another name, if no key has it.",
  since: "1.0.0",
  group: "generic",
  complexity: "O(1)",
  history: [["3.2.0", "Two equal names are no error any more."]],
  arity: 3,
  flags: ["fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "access", "delete"), keyAt(2, "OW", "insert")],
  arguments: [keyArgument, keyNamed("newkey", 1)],
  apply(db, args) {
    const outcome = rename(db, args, true);
    if (outcome === "missing") return errors.noSuchKey;
    return outcome === "done" ? 1 : 0;
  },
};
