// How an option's words become a value and back to text; complaints in Redis' words.

import {
  type BindAddress,
  hostCharsMax,
  isLoopback,
  isWildcard,
  parseEndpoint,
} from "../../net/endpoint.ts";
import type { Bytes } from "../../resp/reply.ts";

/** A value or what is wrong with the words. */
export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: string };

/** What a kind of option accepts, and how its value is shown by CONFIG GET and written to the file. */
export interface ValueKind<Value> {
  parse(words: readonly Bytes[]): Parsed<Value>;
  format(value: Value): Bytes;
  /** As in the file, where units are kept readable; null when it is `format`, quoted. */
  readonly formatForFile: ((value: Value) => Bytes) | null;
}

const accept = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
const refuse = (error: string): Parsed<never> => ({ ok: false, error });

/** A kind whose value is made of exactly one word. */
function single<Value>(
  parse: (word: Bytes) => Parsed<Value>,
  format: (value: Value) => Bytes,
  formatForFile: ((value: Value) => Bytes) | null = null,
): ValueKind<Value> {
  return {
    parse(words) {
      const [word] = words;
      return word !== undefined && words.length === 1
        ? parse(word)
        : refuse("wrong number of arguments");
    },
    format,
    formatForFile,
  };
}

const between = (min: number, max: number) =>
  refuse(`argument must be between ${min} and ${max} inclusive`);

export function integer(min: number, max: number): ValueKind<number> {
  return single((word) => {
    if (!/^(?:0|-?[1-9][0-9]*)$/.test(word)) {
      return refuse("argument couldn't be parsed into an integer");
    }
    const value = Number(word);
    return value < min || value > max ? between(min, max) : accept(value);
  }, String);
}

const units = new Map<string, number>([
  ["", 1],
  ["b", 1],
  ["k", 1000],
  ["kb", 1024],
  ["m", 1000 ** 2],
  ["mb", 1024 ** 2],
  ["g", 1000 ** 3],
  ["gb", 1024 ** 3],
]);

/** Bytes with Redis' units: 1k is 1000, 1kb is 1024. */
export function memory(min: number, max: number): ValueKind<number> {
  const parse = (word: Bytes): Parsed<number> => {
    const match = /^([0-9]+)([a-zA-Z]*)$/.exec(word);
    const unit = units.get(match?.[2]?.toLowerCase() ?? "");
    if (match === null || unit === undefined) return refuse("argument must be a memory value");
    const value = Number(match[1]) * unit;
    return value < min || value > max ? between(min, max) : accept(value);
  };
  return single(parse, String, memoryText);
}

function memoryText(value: number): Bytes {
  for (const unit of ["gb", "mb", "kb"]) {
    const size = units.get(unit) ?? 1;
    if (value >= size && value % size === 0) return `${value / size}${unit}`;
  }
  return String(value);
}

export const yesNo: ValueKind<boolean> = single(
  (word) => {
    const lower = word.toLowerCase();
    if (lower !== "yes" && lower !== "no") return refuse("argument must be 'yes' or 'no'");
    return accept(lower === "yes");
  },
  (value) => (value ? "yes" : "no"),
);

/** One of `names`, in any case; `named` are those that the complaint lists. */
export function choice(names: readonly string[], named: readonly string[]): ValueKind<string> {
  return single(
    (word) => {
      const lower = word.toLowerCase();
      if (names.includes(lower)) return accept(lower);
      return refuse(`argument(s) must be one of the following: ${named.join(", ")}`);
    },
    (value) => value,
  );
}

/** Any bytes, the empty string included. */
export const text: ValueKind<Bytes> = single(accept, (value) => value);

/** A path: in bytes outside, as Node wants it inside. */
export const path: ValueKind<string> = single(
  (word) => {
    if (word === "" || word.includes("\0")) return refuse("argument must be a path");
    return accept(Buffer.from(word, "latin1").toString("utf8"));
  },
  (value) => Buffer.from(value, "utf8").toString("latin1"),
);

/** `host:port`, or nothing. */
export const endpoint: ValueKind<string> = single(
  (word) =>
    word === "" || parseEndpoint(word) !== null
      ? accept(word)
      : refuse("argument must be host:port, such as 127.0.0.1:7000"),
  (value) => value,
);

const hostPattern = /^(?:[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*(?:%[A-Za-z0-9_.-]+)?)$/;

/** A name or an address that others can connect to, or nothing. */
export const host: ValueKind<string> = single(
  (word) =>
    word === "" || (hostPattern.test(word) && !isWildcard(word) && word.length <= hostCharsMax)
      ? accept(word)
      : refuse("argument must be a host name or an address, without a port"),
  (value) => value,
);

/** Redis' `bind` line: addresses, `*` for all of IPv4, a leading `-` for optional ones. */
export const binds: ValueKind<readonly BindAddress[]> = {
  parse(words) {
    const list: BindAddress[] = [];
    for (const word of words.flatMap((each) => each.split(" ").filter((part) => part !== ""))) {
      const optional = word.startsWith("-") && word.length > 1;
      const name = optional ? word.slice(1) : word;
      if (name !== "*" && !hostPattern.test(name)) return refuse(`'${word}' is not an address`);
      list.push({ host: name === "*" ? "0.0.0.0" : name, optional });
    }
    return list.length > 0 ? accept(list) : refuse("at least one address is needed");
  },
  format: (list) => list.map((each) => `${each.optional ? "-" : ""}${each.host}`).join(" "),
  formatForFile: null,
};

/** True when nobody outside this machine can reach any of them. */
export function onlyLoopback(list: readonly BindAddress[]): boolean {
  return list.every((each) => isLoopback(each.host));
}
