// SET key value [NX | XX] [GET] [EX s | PX ms | EXAT unix-s | PXAT unix-ms | KEEPTTL]

import { errors } from "../../../resp/errors.ts";
import { ok, type Reply } from "../../../resp/reply.ts";
import { isError, type WriteView } from "../../keyspace/views.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { parseExpiry } from "../../parse/expiry.ts";
import { keyArgument, keyAt, token, valueArgument } from "../declare.ts";
import type { WriteCommand } from "../spec.ts";
import { expiryArguments, parseValueOptions, replaceUntil } from "./shared.ts";

const rule = { command: "set", positive: true } as const;

export const set: WriteCommand = {
  kind: "write",
  name: "set",
  summary: "Writes a string at a key, whatever was there.",
  since: "1.0.0",
  group: "string",
  complexity: "O(1)",
  history: [
    ["2.6.12", "Options `EX`, `PX`, `NX` and `XX`."],
    ["6.0.0", "Option `KEEPTTL`."],
    ["6.2.0", "Options `GET`, `EXAT` and `PXAT`."],
    ["7.0.0", "`NX` and `GET` may go together."],
  ],
  arity: -3,
  flags: ["denyoom"],
  categories: ["string"],
  keys: [
    {
      ...keyAt(1, "RW", "access", "update", "variable_flags"),
      notes: "RW and ACCESS due to the optional `GET` argument",
    },
  ],
  arguments: [
    keyArgument,
    valueArgument,
    {
      name: "condition",
      type: "oneof",
      since: "2.6.12",
      flags: ["optional"],
      arguments: [token("NX"), token("XX")],
    },
    token("GET", { since: "6.2.0", flags: ["optional"] }),
    {
      name: "expiration",
      type: "oneof",
      flags: ["optional"],
      arguments: [
        ...expiryArguments({ relative: "2.6.12", absolute: "6.2.0" }),
        token("KEEPTTL", { since: "6.0.0" }),
      ],
    },
  ],
  apply(db, args) {
    if (args.length > 3) return setWithOptions(db, args);
    db.replace(word(args, 1), word(args, 2));
    return ok;
  },
};

function setWithOptions(db: WriteView, args: Arguments): Reply {
  const options = parseValueOptions(args, 3, "set");
  if (options === undefined) return errors.syntax;
  const { condition, expiry, get } = options;
  const at =
    expiry === undefined ? undefined : parseExpiry(expiry.text, expiry.unit, rule, db.nowMs);
  if (isError(at)) return at;

  const key = word(args, 1);
  const old = get ? (db.string(key) ?? null) : null;
  if (isError(old)) return old;
  if (condition !== undefined && db.has(key) !== (condition === "xx")) return old;

  const value = word(args, 2);
  if (at !== undefined) replaceUntil(db, key, value, at);
  else if (options.keepExpiry) db.update(key, value);
  else db.replace(key, value);
  return get ? old : ok;
}
