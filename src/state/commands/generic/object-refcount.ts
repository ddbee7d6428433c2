// OBJECT REFCOUNT key

import { strings } from "../../keyspace/strings.ts";
import { isError } from "../../keyspace/views.ts";
import { word } from "../../parse/arguments.ts";
import { keyArgument, keyAt } from "../declare.ts";
import type { ReadCommand } from "../spec.ts";
import { encodingOf } from "./encoding.ts";

/** Redis keeps one object for each of the integers 0 to 9999 and answers its largest count for them. */
const sharedInteger = /^\d{1,4}$/;
const sharedReferences = 2 ** 31 - 1;

export const objectRefcount: ReadCommand = {
  kind: "read",
  name: "refcount",
  summary: "How many references Redis would hold to the value at a key.",
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
    if (value === undefined || isError(value)) return value ?? null;
    const isShared =
      encodingOf(value) === "int" && sharedInteger.test(value.slice(0, value.length));
    return isShared ? sharedReferences : 1;
  },
};
