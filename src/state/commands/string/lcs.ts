// LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]

import { lcsCellsMax } from "../../../constants.ts";
import { errors } from "../../../resp/errors.ts";
import { type Bytes, type ErrorReply, MapReply, type Reply } from "../../../resp/reply.ts";
import { strings } from "../../keyspace/strings.ts";
import { isError } from "../../keyspace/views.ts";
import { type Arguments, word } from "../../parse/arguments.ts";
import { type Integer, parseInteger } from "../../parse/integers.ts";
import { optionName } from "../../parse/option-name.ts";
import { keyNamed, token } from "../declare.ts";
import type { SlicedReply } from "../sliced.ts";
import type { ReadCommand } from "../spec.ts";
import { type CommonRange, commonSubsequence } from "./common-subsequence.ts";

interface Options {
  length: boolean;
  ranges: boolean;
  withLength: boolean;
  minLength: Integer;
}

export const lcs: ReadCommand = {
  kind: "read",
  name: "lcs",
  summary: "The longest common subsequence of two strings.",
  since: "7.0.0",
  group: "string",
  complexity: "O(N*M), the lengths of the two strings.",
  arity: -3,
  flags: [],
  categories: ["string"],
  keys: [{ flags: ["RO", "access"], begin: { at: 1 }, find: { last: 1, step: 1, limit: 0 } }],
  arguments: [
    keyNamed("key1"),
    keyNamed("key2"),
    token("LEN", { flags: ["optional"] }),
    token("IDX", { flags: ["optional"] }),
    { name: "len", type: "integer", token: "MINMATCHLEN", flags: ["optional"] },
    token("WITHMATCHLEN", { flags: ["optional"] }),
  ],
  read(db, args) {
    const a = db.read(word(args, 1), strings);
    const b = db.read(word(args, 2), strings);
    if (isError(a) || isError(b)) return errors.lcsNotStrings;
    const options = parseOptions(args);
    if (isError(options)) return options;
    if (options.ranges && options.length) return errors.lcsBoth;
    const [lengthA, lengthB] = [a?.length ?? 0, b?.length ?? 0];
    if ((lengthA + 1) * (lengthB + 1) > lcsCellsMax) return errors.lcsMemory;
    // Nothing is common with an empty string, however long the other one is.
    if (a === undefined || b === undefined || lengthA === 0 || lengthB === 0) {
      return compare("", "", options);
    }
    return compare(a.slice(0, lengthA), b.slice(0, lengthB), options);
  },
};

function* compare(a: Bytes, b: Bytes, options: Options): SlicedReply {
  const common = yield* commonSubsequence(a, b);
  if (options.length) return common.length;
  if (!options.ranges) return common.text;
  const long = common.ranges.filter(({ length }) => length >= options.minLength);
  return new MapReply([
    ["matches", long.map((range) => rangeReply(range, options.withLength))],
    ["len", common.length],
  ]);
}

function parseOptions(args: Arguments): Options | ErrorReply {
  const options: Options = { length: false, ranges: false, withLength: false, minLength: 0 };
  for (let at = 3; at < args.length; at += 1) {
    const name = optionName(word(args, at));
    const next = args[at + 1];
    if (name === "len") options.length = true;
    else if (name === "idx") options.ranges = true;
    else if (name === "withmatchlen") options.withLength = true;
    else if (name === "minmatchlen" && next !== undefined) {
      const minLength = parseInteger(next);
      if (minLength === undefined) return errors.notAnInteger;
      options.minLength = minLength;
      at += 1;
    } else return errors.syntax;
  }
  return options;
}

function rangeReply({ a, b, length }: CommonRange, withLength: boolean): Reply {
  return withLength ? [a, b, length] : [a, b];
}
