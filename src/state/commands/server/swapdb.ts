// SWAPDB index1 index2

import { databaseCount } from "../../../constants.ts";
import { errors } from "../../../resp/errors.ts";
import { type Bytes, ok } from "../../../resp/reply.ts";
import { word } from "../../parse/arguments.ts";
import { parseSafeInteger } from "../../parse/integers.ts";
import type { WriteCommand } from "../spec.ts";

const int32Max = 2 ** 31 - 1;
const int32Min = -(2 ** 31);

export const swapdb: WriteCommand = {
  kind: "write",
  name: "swapdb",
  summary: "Lets two databases change places.",
  since: "4.0.0",
  group: "server",
  complexity: "O(1)",
  arity: 3,
  flags: ["fast"],
  categories: ["keyspace", "dangerous"],
  arguments: [
    { name: "index1", type: "integer" },
    { name: "index2", type: "integer" },
  ],
  apply(db, args) {
    const first = int32(word(args, 1));
    if (first === undefined) return errors.firstDatabaseInvalid;
    const second = int32(word(args, 2));
    if (second === undefined) return errors.secondDatabaseInvalid;
    if (!exists(first) || !exists(second)) return errors.databaseOutOfRange;
    db.swap(first, second);
    return ok;
  },
};

function int32(text: Bytes): number | undefined {
  const value = parseSafeInteger(text);
  return value === undefined || value < int32Min || value > int32Max ? undefined : value;
}

function exists(index: number): boolean {
  return index >= 0 && index < databaseCount;
}
