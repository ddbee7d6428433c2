// What follows from one command's declaration. Knows no table, so COMMAND and ACL may use it too.

import { errors } from "../../resp/errors.ts";
import { type ErrorReply, MapReply, type Reply, SetReply, SimpleString } from "../../resp/reply.ts";
import { type Arguments, word } from "../parse/arguments.ts";
import { parseSafeInteger } from "../parse/integers.ts";
import type { Argument, Command, Flag, KeySpec } from "./spec.ts";

/** Whether a request of `count` words, the name included, has a length that the command takes. */
export function arityFits(command: Command, count: number): boolean {
  return command.arity > 0 ? count === command.arity : count >= -command.arity;
}

/** "get", or "config|get" for a subcommand, as error texts, statistics and COMMAND name it. */
export function fullName(command: Command): string {
  return command.container === undefined ? command.name : `${command.container}|${command.name}`;
}

/** COMMAND INFO lists flags in this order. */
const flagOrder: readonly Flag[] = [
  "write",
  "readonly",
  "denyoom",
  "admin",
  "pubsub",
  "noscript",
  "blocking",
  "loading",
  "stale",
  "skip_monitor",
  "skip_slowlog",
  "asking",
  "fast",
  "no_auth",
  "may_replicate",
  "no_mandatory_keys",
  "no_async_loading",
  "no_multi",
  "movablekeys",
  "allow_busy",
];

/** The declared flags, what the kind says (`write`, `readonly`), and `movablekeys`, in Redis' order. */
export function flagsOf(command: Command): readonly Flag[] {
  const flags = new Set<Flag>(command.flags);
  if (command.kind === "write") flags.add("write");
  if (command.kind === "read") flags.add("readonly");
  if (rangeOf(command.keys ?? []).movable) flags.add("movablekeys");
  return flagOrder.filter((flag) => flags.has(flag));
}

/** COMMAND INFO and ACL CAT list categories in this order. */
export const aclCategories: readonly string[] = [
  "keyspace",
  "read",
  "write",
  "set",
  "sortedset",
  "list",
  "hash",
  "string",
  "bitmap",
  "hyperloglog",
  "geo",
  "stream",
  "pubsub",
  "admin",
  "fast",
  "slow",
  "blocking",
  "dangerous",
  "connection",
  "transaction",
  "scripting",
];

/** ACL categories without "@": the declared ones and those that follow from the flags. */
export function categoriesOf(command: Command): readonly string[] {
  const flags = flagsOf(command);
  const categories = new Set<string>(command.categories ?? []);
  if (flags.includes("write")) categories.add("write");
  // What a script does is not known from the outside, so no script command counts as a read.
  if (flags.includes("readonly") && !categories.has("scripting")) categories.add("read");
  if (flags.includes("admin")) categories.add("admin").add("dangerous");
  if (flags.includes("pubsub")) categories.add("pubsub");
  if (flags.includes("blocking")) categories.add("blocking");
  categories.add(flags.includes("fast") ? "fast" : "slow");
  return aclCategories.filter((category) => categories.has(category));
}

/** First key, last key (negative: from the end) and step, for clients that know no key specifications. */
export interface LegacyRange {
  readonly first: number;
  readonly last: number;
  readonly step: number;
}

export function legacyRange(command: Command): LegacyRange {
  return rangeOf(command.keys ?? []).range;
}

/** `movable`: the range does not tell where every key stands, so clients have to ask COMMAND GETKEYS. */
function rangeOf(specs: readonly KeySpec[]): { range: LegacyRange; movable: boolean } {
  const alone = specs.length === 1;
  let movable = false;
  let range: LegacyRange | undefined;
  for (const { begin, find, flags } of specs) {
    if (typeof begin !== "object" || !("at" in begin) || !isRange(find)) {
      movable = true;
      continue;
    }
    const follows = range === undefined || range.last === begin.at - 1;
    if (!alone && (find.step !== 1 || !follows)) {
      movable = true;
      continue;
    }
    if (flags.includes("incomplete")) movable = true;
    const last = find.last >= 0 ? begin.at + find.last : find.last;
    range = { first: range?.first ?? begin.at, last, step: find.step };
  }
  return { range: range ?? { first: 0, last: 0, step: 0 }, movable };
}

type Find = KeySpec["find"];
type Range = Extract<Find, { readonly last: number }>;

function isRange(find: Find): find is Range {
  return typeof find === "object" && "last" in find;
}

/**
 * Positions of the keys in a request, ascending within each specification. The work is bounded by the
 * number of words, whatever counts the client states. An error when the words contradict the specification.
 */
export function keyPositions(command: Command, args: Arguments): readonly number[] | ErrorReply {
  const positions: number[] = [];
  for (const spec of command.keys ?? []) {
    if (spec.flags.includes("not_key")) continue;
    const first = firstKey(spec, args);
    const range = first === undefined ? undefined : keyRange(spec.find, args, first);
    if (range !== undefined) {
      for (let at = range.first; at <= range.last; at += range.step) positions.push(at);
    } else if (!spec.flags.includes("incomplete")) {
      return errors.invalidKeyArguments;
    }
  }
  return positions;
}

/** COMMAND GETKEYS: the keys of a request, or why they cannot be told. */
export function commandKeys(command: Command, args: Arguments): Reply {
  if (command.keys === undefined || command.keys.length === 0) return errors.noKeyArguments;
  if (!arityFits(command, args.length)) return errors.invalidArgumentCount;
  const positions = keyPositions(command, args);
  if (!("text" in positions) && positions.length > 0) return positions.map((at) => word(args, at));
  return command.flags.includes("no_mandatory_keys") ? [] : errors.invalidKeyArguments;
}

function firstKey({ begin }: KeySpec, args: Arguments): number | undefined {
  if (begin === "unknown") return undefined;
  if ("at" in begin) return begin.at;
  const backwards = begin.from < 0;
  const step = backwards ? -1 : 1;
  const end = backwards ? 0 : args.length;
  const keyword = begin.keyword.toLowerCase();
  for (let at = backwards ? args.length + begin.from : begin.from; at !== end; at += step) {
    const candidate = args[at];
    if (candidate === undefined) return undefined;
    if (candidate.toLowerCase() === keyword) return at + 1;
  }
  return undefined;
}

/** Undefined when a key would stand outside the request, or none at all. */
function keyRange(find: Find, args: Arguments, begin: number): LegacyRange | undefined {
  if (find === "unknown") return undefined;
  const count = args.length;
  let first = begin;
  let last: number;
  if (isRange(find)) {
    if (find.last >= 0) last = begin + find.last;
    else if (find.limit === 0) last = count + find.last;
    else last = begin + Math.trunc((count - begin) / find.limit) + find.last;
  } else {
    const keys = parseSafeInteger(args[begin + find.countAt] ?? "");
    if (keys === undefined) return undefined;
    first = begin + find.first;
    last = first + (keys - 1) * find.step;
  }
  if (first >= count || last >= count || last < first) return undefined;
  return { first, last, step: find.step };
}

const simple = (text: string) => new SimpleString(text);

/** One row of COMMAND INFO. */
export function commandInfo(command: Command): Reply {
  const { first, last, step } = legacyRange(command);
  return [
    fullName(command),
    command.arity,
    new SetReply(flagsOf(command).map(simple)),
    first,
    last,
    step,
    new SetReply(categoriesOf(command).map((category) => simple(`@${category}`))),
    new SetReply(command.tips ?? []),
    new SetReply((command.keys ?? []).map(keySpecInfo)),
    command.kind === "container"
      ? [...command.subcommands.values()].map(commandInfo)
      : new SetReply([]),
  ];
}

type Fields = (readonly [Reply, Reply])[];

function keySpecInfo(spec: KeySpec): Reply {
  const fields: Fields = [];
  if (spec.notes !== undefined) fields.push(["notes", spec.notes]);
  fields.push(
    ["flags", new SetReply(spec.flags.map(simple))],
    ["begin_search", searchInfo(...beginFields(spec.begin))],
    ["find_keys", searchInfo(...findFields(spec.find))],
  );
  return new MapReply(fields);
}

function searchInfo(type: string, fields: Fields): Reply {
  return new MapReply([
    ["type", type],
    ["spec", new MapReply(fields)],
  ]);
}

function beginFields(begin: KeySpec["begin"]): [type: string, fields: Fields] {
  if (begin === "unknown") return ["unknown", []];
  if ("at" in begin) return ["index", [["index", begin.at]]];
  return [
    "keyword",
    [
      ["keyword", begin.keyword],
      ["startfrom", begin.from],
    ],
  ];
}

function findFields(find: Find): [type: string, fields: Fields] {
  if (find === "unknown") return ["unknown", []];
  if (isRange(find)) {
    return [
      "range",
      [
        ["lastkey", find.last],
        ["keystep", find.step],
        ["limit", find.limit],
      ],
    ];
  }
  return [
    "keynum",
    [
      ["keynumidx", find.countAt],
      ["firstkey", find.first],
      ["keystep", find.step],
    ],
  ];
}

/** The description of one command in COMMAND DOCS (the value beside its name). */
export function commandDocs(command: Command): Reply {
  const fields: Fields = [
    ["summary", command.summary],
    ["since", command.since],
    ["group", command.group],
  ];
  if (command.complexity !== undefined) fields.push(["complexity", command.complexity]);
  if (command.docFlags !== undefined) {
    fields.push(["doc_flags", new SetReply(command.docFlags.map(simple))]);
  }
  if (command.deprecated !== undefined) {
    fields.push(["deprecated_since", command.deprecated.since]);
    fields.push(["replaced_by", command.deprecated.replacedBy]);
  }
  if (command.history !== undefined) {
    fields.push(["history", new SetReply(command.history)]);
  }
  if (command.arguments !== undefined) {
    fields.push(["arguments", command.arguments.map(argumentDocs)]);
  }
  if (command.kind === "container") {
    const rows = [...command.subcommands.values()].map(
      (subcommand) => [fullName(subcommand), commandDocs(subcommand)] as const,
    );
    fields.push(["subcommands", new MapReply(rows)]);
  }
  return new MapReply(fields);
}

function argumentDocs(argument: Argument): Reply {
  const fields: Fields = [
    ["name", argument.name],
    ["type", argument.type],
  ];
  if (argument.keySpec !== undefined) fields.push(["key_spec_index", argument.keySpec]);
  if (argument.token !== undefined) fields.push(["token", argument.token]);
  if (argument.since !== undefined) fields.push(["since", argument.since]);
  if (argument.deprecatedSince !== undefined) {
    fields.push(["deprecated_since", argument.deprecatedSince]);
  }
  if (argument.flags !== undefined) {
    fields.push(["flags", new SetReply(argument.flags.map(simple))]);
  }
  if (argument.arguments !== undefined) {
    fields.push(["arguments", argument.arguments.map(argumentDocs)]);
  }
  return new MapReply(fields);
}
