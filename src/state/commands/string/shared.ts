// What several string commands have in common: options of SET and GETEX, counting, length limits.

import { stringBytesMax } from "../../../constants.ts";
import { errors } from "../../../resp/errors.ts";
import { type Bytes, type ErrorReply, ok, type Reply } from "../../../resp/reply.ts";
import type { Expiry } from "../../expiry.ts";
import { isError, type WriteView } from "../../keyspace/views.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import {
  type ExpiryRule,
  milliseconds,
  parseExpiry,
  seconds,
  type TimeUnit,
  unixMilliseconds,
  unixSeconds,
} from "../../parse/expiry.ts";
import { addIntegers, type Integer, integerTextMax, parseInteger } from "../../parse/integers.ts";
import { optionName } from "../../parse/option-name.ts";
import { type SlicedReply, stepKeys } from "../sliced.ts";
import type { Argument } from "../spec.ts";

/** What the options after a value may ask of SET, and those after a key of GETEX. */
export interface ValueOptions {
  readonly condition: "nx" | "xx" | undefined;
  readonly get: boolean;
  readonly keepExpiry: boolean;
  readonly persist: boolean;
  readonly expiry: { readonly unit: TimeUnit; readonly text: Bytes } | undefined;
}

const units: ReadonlyMap<Bytes, TimeUnit> = new Map([
  ["ex", seconds],
  ["px", milliseconds],
  ["exat", unixSeconds],
  ["pxat", unixMilliseconds],
]);

type OptionsSoFar = { -readonly [Name in keyof ValueOptions]: ValueOptions[Name] };

/** Undefined for a syntax error. `of` says which command's options are known. */
export function parseValueOptions(
  args: Arguments,
  from: number,
  of: "set" | "getex",
): ValueOptions | undefined {
  const options: OptionsSoFar = {
    condition: undefined,
    get: false,
    keepExpiry: false,
    persist: false,
    expiry: undefined,
  };
  const setFlag = of === "set" ? setFlagOfSet : setFlagOfGetex;
  for (let at = from; at < args.length; at += 1) {
    const name = optionName(word(args, at));
    const unit = units.get(name);
    if (unit === undefined) {
      if (!setFlag(options, name)) return undefined;
    } else {
      at += 1;
      if (!setExpiry(options, unit, args[at])) return undefined;
    }
  }
  return options;
}

/** A unit may be repeated, the last one counts; two units contradict each other. */
function setExpiry(options: OptionsSoFar, unit: TimeUnit, text: Bytes | undefined): boolean {
  if (text === undefined || options.keepExpiry || options.persist) return false;
  if (options.expiry !== undefined && options.expiry.unit !== unit) return false;
  options.expiry = { unit, text };
  return true;
}

/** False when the word is no such option, or contradicts another. */
function setFlagOfSet(options: OptionsSoFar, name: Bytes): boolean {
  switch (name) {
    case "get":
      options.get = true;
      return true;
    case "keepttl":
      options.keepExpiry = true;
      return options.expiry === undefined;
    case "nx":
    case "xx":
      if (options.condition !== undefined && options.condition !== name) return false;
      options.condition = name;
      return true;
    default:
      return false;
  }
}

function setFlagOfGetex(options: OptionsSoFar, name: Bytes): boolean {
  options.persist = true;
  return name === "persist" && options.expiry === undefined;
}

/** COMMAND DOCS: the four ways to state an expiry; `since` where they came after the command. */
export function expiryArguments(since?: {
  readonly relative: string;
  readonly absolute: string;
}): readonly Argument[] {
  const relative = since === undefined ? {} : { since: since.relative };
  const absolute = since === undefined ? {} : { since: since.absolute };
  return [
    { name: "seconds", type: "integer", token: "EX", ...relative },
    { name: "milliseconds", type: "integer", token: "PX", ...relative },
    { name: "unix-time-seconds", type: "unix-time", token: "EXAT", ...absolute },
    { name: "unix-time-milliseconds", type: "unix-time", token: "PXAT", ...absolute },
  ];
}

/** Writes a value that dies at a time; one that is dead already leaves no key behind. */
export function replaceUntil(db: WriteView, key: Bytes, value: Bytes, at: Expiry): void {
  if (at <= db.nowMs) {
    db.delete(key);
    return;
  }
  db.replace(key, value);
  db.setExpireAt(key, at);
}

/** SETEX and PSETEX: key, time, value. */
export function setWithExpiry(
  db: WriteView,
  args: Arguments,
  unit: TimeUnit,
  rule: ExpiryRule,
): Reply | undefined {
  const at = parseExpiry(word(args, 2), unit, rule, db.nowMs);
  if (isError(at)) return at;
  replaceUntil(db, word(args, 1), word(args, 3), at);
  return undefined;
}

/** INCR and its kin: adds to the integer at a key, a missing key counting as 0; keeps the expiry. */
export function incrementBy(db: WriteView, key: Bytes, increment: Integer): Reply {
  const current = db.string(key, integerTextMax + 1);
  if (isError(current)) return current;
  const integer = current === undefined ? 0 : parseInteger(current);
  if (integer === undefined) return errors.notAnInteger;
  const sum = addIntegers(integer, increment);
  if (sum === undefined) return errors.overflow;
  db.update(key, String(sum));
  return sum;
}

/** Null when a string of this length is allowed. */
export function lengthProblem(length: Integer): ErrorReply | null {
  return length > stringBytesMax ? errors.stringTooLong : null;
}

/** MSET, whose words are pairs after the name: `ok` when all are written. */
export function replacePairs(db: WriteView, args: Arguments): Reply | SlicedReply {
  if (args.length > stepKeys) return replaceInSteps(db, args, ok);
  replaceWithin(db, args, 1, args.length);
  return ok;
}

/** MSETNX: 1 when the pairs are written, 0 when one of the keys was there. */
export function replaceIfNone(db: WriteView, args: Arguments): Reply | SlicedReply {
  if (args.length > stepKeys) return replaceIfNoneInSteps(db, args);
  if (!nonePresent(db, args, 1, args.length)) return 0;
  replaceWithin(db, args, 1, args.length);
  return 1;
}

/** Of the pairs at the words [from, to). */
function nonePresent(db: WriteView, args: Arguments, from: number, to: number): boolean {
  for (let at = from; at < to; at += 2) {
    if (db.has(word(args, at))) return false;
  }
  return true;
}

function replaceWithin(db: WriteView, args: Arguments, from: number, to: number): void {
  for (let at = from; at < to; at += 2) db.replace(word(args, at), word(args, at + 1));
}

function* replaceInSteps(db: WriteView, args: Arguments, reply: Reply): SlicedReply {
  for (let from = 1; from < args.length; from += stepKeys) {
    replaceWithin(db, args, from, Math.min(from + stepKeys, args.length));
    yield;
  }
  return reply;
}

function* replaceIfNoneInSteps(db: WriteView, args: Arguments): SlicedReply {
  for (let from = 1; from < args.length; from += stepKeys) {
    if (!nonePresent(db, args, from, Math.min(from + stepKeys, args.length))) return 0;
    yield;
  }
  return yield* replaceInSteps(db, args, 1);
}
