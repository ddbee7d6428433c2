// SELECT index

import { databaseCount } from "../../../constants.ts";
import { errors } from "../../../resp/errors.ts";
import { ok } from "../../../resp/reply.ts";
import { word } from "../../parse/arguments.ts";
import { parseInteger } from "../../parse/integers.ts";
import type { SessionCommand } from "../spec.ts";

const int32Max = 2 ** 31 - 1;
const int32Min = -(2 ** 31);

export const select: SessionCommand = {
  kind: "session",
  name: "select",
  summary: "Chooses the database of this connection.",
  since: "1.0.0",
  group: "connection",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  categories: ["connection"],
  arguments: [{ name: "index", type: "integer" }],
  run({ client }, args) {
    const index = parseInteger(word(args, 1));
    if (index === undefined) return errors.notAnInteger;
    if (index < int32Min || index > int32Max) return errors.notInRange(int32Min, int32Max);
    if (index < 0 || index >= databaseCount) return errors.databaseOutOfRange;
    client.database = Number(index);
    return ok;
  },
};
