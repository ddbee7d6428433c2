// GETEX key [EX seconds | PX milliseconds | EXAT unix-seconds | PXAT unix-milliseconds | PERSIST]

import { errors } from "../../../resp/errors.ts";
import { isError } from "../../keyspace/views.ts";
import { word } from "../../parse/arguments.ts";
import { parseExpiry } from "../../parse/expiry.ts";
import { keyArgument, keyAt, token } from "../declare.ts";
import type { WriteCommand } from "../spec.ts";
import { expiryArguments, parseValueOptions } from "./shared.ts";

const rule = { command: "getex", positive: true } as const;

export const getex: WriteCommand = {
  kind: "write",
  name: "getex",
  summary: "The string at a key, whose expiry is set or removed by the way.",
  since: "6.2.0",
  group: "string",
  complexity: "O(1)",
  arity: -2,
  flags: ["fast"],
  categories: ["string"],
  keys: [
    { ...keyAt(1, "RW", "access", "update"), notes: "RW and UPDATE because it changes the TTL" },
  ],
  arguments: [
    keyArgument,
    {
      name: "expiration",
      type: "oneof",
      flags: ["optional"],
      arguments: [...expiryArguments(), token("PERSIST")],
    },
  ],
  apply(db, args) {
    const options = args.length === 2 ? null : parseValueOptions(args, 2, "getex");
    if (options === undefined) return errors.syntax;
    const key = word(args, 1);
    const current = db.string(key);
    if (current === undefined || isError(current)) return current ?? null;
    if (options?.expiry !== undefined) {
      const at = parseExpiry(options.expiry.text, options.expiry.unit, rule, db.nowMs);
      if (isError(at)) return at;
      if (at <= db.nowMs) db.delete(key);
      else db.setExpireAt(key, at);
    } else if (options?.persist === true) {
      db.persist(key);
    }
    return current;
  },
};
