// What several generic commands have in common: types, times to live, renaming, other databases.

import { databaseCount } from "../../../constants.ts";
import { errors } from "../../../resp/errors.ts";
import type { Bytes, ErrorReply, Reply } from "../../../resp/reply.ts";
import type { Expiry } from "../../expiry.ts";
import { isError, type ReadView, type WriteView } from "../../keyspace/views.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { parseExpiry, type TimeUnit } from "../../parse/expiry.ts";
import { exact, parseInt32 } from "../../parse/integers.ts";
import { optionName } from "../../parse/option-name.ts";
import { token } from "../declare.ts";
import { type SlicedReply, stepKeys } from "../sliced.ts";
import type { Argument } from "../spec.ts";

/** How many of the words after the name are living keys; a key counts as often as it is named. */
export function countPresent(db: ReadView, args: Arguments): number | SlicedReply {
  return countKeys(args, (key) => db.has(key));
}

/** DEL and UNLINK: how many of the words after the name were living keys. */
export function deleteAll(db: WriteView, args: Arguments): number | SlicedReply {
  return countKeys(args, (key) => db.delete(key));
}

type Counts = (key: Bytes) => boolean;

function countKeys(args: Arguments, counts: Counts): number | SlicedReply {
  return args.length <= stepKeys
    ? countWithin(args, counts, 1, args.length)
    : countInSteps(args, counts);
}

/** Those of the words [from, to). */
function countWithin(args: Arguments, counts: Counts, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at += 1) {
    if (counts(word(args, at))) count += 1;
  }
  return count;
}

function* countInSteps(args: Arguments, counts: Counts): SlicedReply {
  let count = 0;
  for (let from = 1; from < args.length; from += stepKeys) {
    count += countWithin(args, counts, from, Math.min(from + stepKeys, args.length));
    yield;
  }
  return count;
}

/** A database by its number; errors for no integer, and for one that does not exist. */
export function parseDatabase(text: Bytes): number | ErrorReply {
  const index = parseInt32(text);
  if (isError(index)) return index;
  return index >= 0 && index < databaseCount ? index : errors.databaseOutOfRange;
}

/** RENAME and RENAMENX. The reply goes with `done` when the name changed. */
export function rename(
  db: WriteView,
  args: Arguments,
  ifAbsent: boolean,
): "missing" | "taken" | "same" | "done" {
  const source = word(args, 1);
  const target = word(args, 2);
  if (!db.has(source)) return "missing";
  if (source === target) return "same";
  if (ifAbsent && db.has(target)) return "taken";
  db.rename(source, db, target);
  return "done";
}

/** The condition that EXPIRE and its kin take since 7.0. */
export const expireCondition: Argument = {
  name: "condition",
  type: "oneof",
  since: "7.0.0",
  flags: ["optional"],
  arguments: [token("NX"), token("XX"), token("GT"), token("LT")],
};

interface ExpireConditions {
  nx: boolean;
  xx: boolean;
  gt: boolean;
  lt: boolean;
}

function parseConditions(args: Arguments): ExpireConditions | ErrorReply {
  const conditions = { nx: false, xx: false, gt: false, lt: false };
  for (let at = 3; at < args.length; at += 1) {
    const option = word(args, at);
    const name = optionName(option);
    if (name !== "nx" && name !== "xx" && name !== "gt" && name !== "lt") {
      return errors.unsupportedOption(option);
    }
    conditions[name] = true;
  }
  const { nx, xx, gt, lt } = conditions;
  if (nx && (xx || gt || lt)) return errors.expireNotCompatible;
  return gt && lt ? errors.expireGtLt : conditions;
}

/** A key without an expiry lives for ever, which is later than any time. */
function conditionsHold(
  { nx, xx, gt, lt }: ExpireConditions,
  current: Expiry | undefined,
  at: Expiry,
): boolean {
  if (current === undefined) return !xx && !gt;
  return !nx && (!gt || at > current) && (!lt || at < current);
}

/** EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT: 1 when the expiry was set, or the key died of it at once. */
export function expire(db: WriteView, args: Arguments, unit: TimeUnit, command: string): Reply {
  const conditions = args.length === 3 ? null : parseConditions(args);
  if (isError(conditions)) return conditions;
  const at = parseExpiry(word(args, 2), unit, { command, positive: false }, db.nowMs);
  if (isError(at)) return at;

  const key = word(args, 1);
  if (!db.has(key)) return 0;
  if (conditions !== null && !conditionsHold(conditions, db.expireAt(key), at)) return 0;
  if (at <= db.nowMs) db.delete(key);
  else db.setExpireAt(key, at);
  return 1;
}

const noKey = -2;
const noExpiry = -1;

/** PTTL and TTL: what is left in ms, -1 without an expiry, -2 without a key. */
export function timeToLive(db: ReadView, key: Bytes): Expiry {
  const at = db.expireAt(key);
  if (at === undefined) return db.has(key) ? noExpiry : noKey;
  if (at <= db.nowMs) return 0;
  return typeof at === "number" ? at - db.nowMs : exact(at - BigInt(db.nowMs));
}

/** PEXPIRETIME and EXPIRETIME: the time in ms, -1 without an expiry, -2 without a key. */
export function expireTime(db: ReadView, key: Bytes): Expiry {
  return db.expireAt(key) ?? (db.has(key) ? noExpiry : noKey);
}

/** To the nearest second; the negative answers stay. */
export function toSeconds(ms: Expiry): Expiry {
  if (ms < 0) return ms;
  return typeof ms === "number" ? Math.floor((ms + 500) / 1000) : exact((ms + 500n) / 1000n);
}
