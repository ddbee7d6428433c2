// Strings, keys and expiries as plain maps: what every string and key command must answer, written down the obvious way.

import { LongArray, MapReply, partsOf, type Reply, SimpleString } from "../../src/resp/reply.ts";

/** A reply as plain data: integers as text after a colon, "+" and "-" before simple strings and errors, "$" before others. */
export type Plain = string | null | readonly Plain[];

export function plain(reply: Reply): Plain {
  if (reply === null) return null;
  if (typeof reply === "string") return `$${reply}`;
  if (typeof reply === "number" || typeof reply === "bigint") return integer(reply);
  if (reply instanceof SimpleString) return `+${reply.text}`;
  if (reply instanceof LongArray) return reply.parts.flat().map(plain);
  if (reply instanceof MapReply) return partsOf(reply.entries).flat(2).map(plain);
  if ("type" in reply) return reply.type === "error" ? `-${reply.text}` : reply.type;
  return reply.map(plain);
}

const integer = (value: number | bigint): string => `:${value}`;
const ok = "+OK";
const syntax = "-ERR syntax error";
const notAnInteger = "-ERR value is not an integer or out of range";
const notAFloat = "-ERR value is not a valid float";
const noSuchKey = "-ERR no such key";
const sameObject = "-ERR source and destination objects are the same";
const invalidTime = (command: string) => `-ERR invalid expire time in '${command}' command`;

interface Entry {
  readonly value: string;
  /** Unix time in ms. */
  readonly at?: bigint | undefined;
  /** Changed in place. */
  readonly isRaw?: boolean;
}

type Command = (words: readonly string[]) => Plain;

const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];

/** Null for what is no integer of 64 bits, written as one is. */
function integerOf(text: string): bigint | null {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return null;
  const value = BigInt(text);
  return value < least || value > most ? null : value;
}

/** How a time is written: its unit in ms, and whether it counts from now. */
const units: Readonly<Record<string, readonly [ms: bigint, isRelative: boolean]>> = {
  ex: [1000n, true],
  px: [1n, true],
  exat: [1000n, false],
  pxat: [1n, false],
};

export class StringModel {
  /** By number. */
  readonly databases: Map<string, Entry>[];
  /** Of the log: it never falls. */
  nowMs = 0n;
  #here: Map<string, Entry>;

  constructor(databases: number) {
    this.databases = Array.from({ length: databases }, () => new Map());
    this.#here = this.databases[0] as Map<string, Entry>;
  }

  advance(toMs: number): void {
    if (BigInt(toMs) > this.nowMs) this.nowMs = BigInt(toMs);
    for (const database of this.databases) {
      for (const [key, { at }] of database) if (isPast(at, this.nowMs)) database.delete(key);
    }
  }

  /** The reply; undefined when any of several is right. */
  run(words: readonly string[], database: number): Plain | undefined {
    this.#here = this.#database(database);
    return this.#commands[words[0] as string]?.(words.slice(1));
  }

  get known(): string[] {
    return Object.keys(this.#commands);
  }

  /** INCRBYFLOAT of it is exact in any kind of arithmetic, or an error in all of them. */
  isPlainNumberOrNone(key: string, database: number): boolean {
    const value = this.databases[database]?.get(key)?.value ?? "0";
    return /^-?(0|[1-9][0-9]{0,8})(\.(25|5|75))?$/.test(value) || /[^-+0-9.eExXa-f]/.test(value);
  }

  lengthOf(key: string, database: number): number {
    return this.databases[database]?.get(key)?.value.length ?? 0;
  }

  readonly #commands: Readonly<Record<string, Command>> = {
    // --- Writes of strings
    set: (words) => this.#setWith(words),
    setnx: ([key, value]) => bit(!this.#has(key) && this.#put(key, value)),
    setex: ([key, time, value]) => this.#setUntil(key, value, "ex", time, "setex") ?? ok,
    psetex: ([key, time, value]) => this.#setUntil(key, value, "px", time, "psetex") ?? ok,
    getset: ([key, value]) => this.#after(this.#get(key), () => this.#put(key, value)),
    getdel: ([key]) => this.#after(this.#get(key), () => this.#delete(key)),
    getex: (words) => this.#getex(words),
    append: ([key, tail = ""]) => {
      const old = this.#entry(key);
      this.#write(key, { ...old, value: (old?.value ?? "") + tail, isRaw: old !== undefined });
      return this.#length(key);
    },
    setrange: ([key, offset, piece = ""]) => {
      const at = integerOf(offset as string);
      if (at === null) return notAnInteger;
      if (at < 0n) return "-ERR offset is out of range";
      if (piece === "") return this.#length(key);
      const old = this.#entry(key);
      const filled = (old?.value ?? "").padEnd(Number(at), "\0");
      const value = filled.slice(0, Number(at)) + piece + filled.slice(Number(at) + piece.length);
      this.#write(key, { ...old, value, isRaw: true });
      return this.#length(key);
    },
    incr: ([key]) => this.#add(key, 1n),
    decr: ([key]) => this.#add(key, -1n),
    incrby: ([key, by]) => this.#add(key, integerOf(by as string)),
    decrby: ([key, by]) => {
      const value = integerOf(by as string);
      if (value === least) return "-ERR decrement would overflow";
      return this.#add(key, value === null ? null : -value);
    },
    incrbyfloat: ([key, by]) => {
      const [value, more] = [this.#entry(key)?.value ?? "0", by as string];
      if ([value, more].some((each) => !/^-?[0-9]+(\.[0-9]+)?$/.test(each))) return notAFloat;
      const sum = String(Number(value) + Number(more));
      this.#write(key, { at: this.#entry(key)?.at, value: sum });
      return `$${sum}`;
    },
    mset: (words) => {
      for (const [key, value] of pairs(words)) this.#put(key, value);
      return ok;
    },
    msetnx: (words) => {
      if (pairs(words).some(([key]) => this.#has(key))) return bit(false);
      for (const [key, value] of pairs(words)) this.#put(key, value);
      return bit(true);
    },
    // --- Writes of keys
    del: (words) => count(words, (key) => this.#delete(key)),
    unlink: (words) => count(words, (key) => this.#delete(key)),
    rename: ([key, target]) => this.#rename(key, target) ?? ok,
    renamenx: ([key, target]) => {
      if (!this.#has(key)) return noSuchKey;
      if (this.#has(target)) return bit(false);
      return this.#rename(key, target) ?? bit(true);
    },
    copy: ([key, target, ...options]) => this.#copy(key, target, options),
    move: ([key, to]) => {
      const [from, there] = [this.#entry(key), this.#database(Number(to))];
      if (there === this.#here) return sameObject;
      if (from === undefined || there.has(key as string)) return bit(false);
      there.set(key as string, from);
      return bit(this.#delete(key));
    },
    persist: ([key]) => {
      const old = this.#entry(key);
      if (old?.at === undefined) return bit(false);
      return bit(this.#write(key, { ...old, at: undefined }));
    },
    expire: (words) => this.#expire(words, "ex", "expire"),
    pexpire: (words) => this.#expire(words, "px", "pexpire"),
    expireat: (words) => this.#expire(words, "exat", "expireat"),
    pexpireat: (words) => this.#expire(words, "pxat", "pexpireat"),
    // --- Writes of databases
    flushdb: () => this.#after(ok, () => this.#here.clear()),
    flushall: () => this.#after(ok, () => this.databases.map((each) => each.clear())),
    swapdb: ([a, b]) => {
      const [first, second] = [this.#database(Number(a)), this.#database(Number(b))];
      this.databases[Number(a)] = second;
      this.databases[Number(b)] = first;
      return ok;
    },
    // --- Reads
    get: ([key]) => this.#get(key),
    mget: (words) => words.map((key) => this.#get(key)),
    strlen: ([key]) => this.#length(key),
    getrange: (words) => this.#range(words),
    substr: (words) => this.#range(words),
    lcs: ([a, b]) => integer(commonLength(this.#value(a), this.#value(b))),
    exists: (words) => count(words, (key) => this.#has(key)),
    touch: (words) => count(words, (key) => this.#has(key)),
    type: ([key]) => (this.#has(key) ? "+string" : "+none"),
    ttl: ([key]) => this.#time(key, (at) => (at - this.nowMs + 500n) / 1000n),
    pttl: ([key]) => this.#time(key, (at) => at - this.nowMs),
    expiretime: ([key]) => this.#time(key, (at) => (at + 500n) / 1000n),
    pexpiretime: ([key]) => this.#time(key, (at) => at),
    object: ([what, key]) => this.#object(what as string, this.#entry(key)),
  };

  // ---------------------------------------------------------------------------------------------

  #database(number: number): Map<string, Entry> {
    const database = this.databases[number];
    if (database === undefined) throw new Error(`there is a database ${number}`);
    return database;
  }

  #entry(key: string | undefined): Entry | undefined {
    return this.#here.get(key as string);
  }
  #has(key: string | undefined): boolean {
    return this.#here.has(key as string);
  }
  #value(key: string | undefined): string {
    return this.#entry(key)?.value ?? "";
  }
  #get(key: string | undefined): Plain {
    const entry = this.#entry(key);
    return entry === undefined ? null : `$${entry.value}`;
  }
  #length(key: string | undefined): Plain {
    return integer(this.#value(key).length);
  }

  /** An entry that is dead by now leaves no key behind. */
  #write(key: string | undefined, entry: Entry): true {
    if (isPast(entry.at, this.nowMs)) this.#here.delete(key as string);
    else this.#here.set(key as string, entry);
    return true;
  }
  #put(key: string | undefined, value: string | undefined): true {
    return this.#write(key, { value: value as string });
  }
  #delete(key: string | undefined): boolean {
    return this.#here.delete(key as string);
  }

  #after(reply: Plain, change: () => unknown): Plain {
    change();
    return reply;
  }

  #at(unit: string, text: string): bigint {
    const [ms, isRelative] = units[unit] as readonly [bigint, boolean];
    return BigInt(text) * ms + (isRelative ? this.nowMs : 0n);
  }

  #setWith([key, value, ...options]: readonly string[]): Plain {
    const has = (name: string) => options.includes(name);
    if (has("NX") && has("XX")) return syntax;
    const unit = Object.keys(units).find((each) => has(each));
    if (unit !== undefined && has("KEEPTTL")) return syntax;
    const time = unit === undefined ? "1" : (options[options.indexOf(unit) + 1] as string);
    if (BigInt(time) <= 0n) return invalidTime("set");
    const old = this.#entry(key);
    const before = has("GET") ? this.#get(key) : null;
    if ((has("NX") && old !== undefined) || (has("XX") && old === undefined)) return before;
    const kept = has("KEEPTTL") ? old?.at : undefined;
    const at = unit === undefined ? kept : this.#at(unit, time);
    this.#write(key, { value: value as string, at });
    return has("GET") ? before : ok;
  }

  /** Null, or the error. */
  // biome-ignore lint/complexity/useMaxParams: a key, its value, and a time in three parts.
  #setUntil(
    key: string | undefined,
    value: string | undefined,
    unit: string,
    time: string | undefined,
    command: string,
  ): Plain {
    if (BigInt(time as string) <= 0n) return invalidTime(command);
    this.#write(key, { value: value as string, at: this.#at(unit, time as string) });
    return null;
  }

  #getex([key, unit, time]: readonly string[]): Plain {
    const old = this.#entry(key);
    if (old === undefined) return null;
    if (unit === "PERSIST") this.#write(key, { ...old, at: undefined });
    else if (unit !== undefined) {
      if (BigInt(time as string) <= 0n) return invalidTime("getex");
      this.#write(key, { ...old, at: this.#at(unit, time as string) });
    }
    return `$${old.value}`;
  }

  #add(key: string | undefined, by: bigint | null): Plain {
    const old = this.#entry(key);
    const value = integerOf(old?.value ?? "0");
    if (value === null || by === null) return notAnInteger;
    const sum = value + by;
    if (sum < least || sum > most) return "-ERR increment or decrement would overflow";
    this.#write(key, { at: old?.at, value: String(sum) });
    return integer(sum);
  }

  /** Null when it is done. */
  #rename(key: string | undefined, target: string | undefined): Plain {
    const old = this.#entry(key);
    if (old === undefined) return noSuchKey;
    this.#delete(key);
    this.#write(target, old);
    return null;
  }

  #copy(key: string | undefined, target: string | undefined, options: readonly string[]): Plain {
    const number = options[options.indexOf("DB") + 1];
    const there = options.includes("DB") ? this.#database(Number(number)) : this.#here;
    if (there === this.#here && key === target) return sameObject;
    const old = this.#entry(key);
    if (old === undefined) return bit(false);
    if (there.has(target as string) && !options.includes("REPLACE")) return bit(false);
    there.set(target as string, old);
    return bit(true);
  }

  #expire([key, time, ...conditions]: readonly string[], unit: string, command: string): Plain {
    const has = (name: string) => conditions.includes(name);
    if (has("NX") && conditions.length > 1) {
      return "-ERR NX and XX, GT or LT options at the same time are not compatible";
    }
    if (has("GT") && has("LT")) return "-ERR GT and LT options at the same time are not compatible";
    const at = this.#at(unit, time as string);
    if (at < least || at > most) return invalidTime(command);
    const old = this.#entry(key);
    if (old === undefined) return bit(false);
    const isRefused =
      (has("NX") && old.at !== undefined) ||
      (has("XX") && old.at === undefined) ||
      (has("GT") && (old.at === undefined || at <= old.at)) ||
      (has("LT") && old.at !== undefined && at >= old.at);
    return bit(!isRefused && this.#write(key, { ...old, at }));
  }

  #range([key, from, to]: readonly string[]): Plain {
    const value = this.#value(key);
    const [first, last] = [Number(from), Number(to)];
    if (first < 0 && last < 0 && first > last) return "$";
    const place = (at: number) => Math.max(0, at < 0 ? value.length + at : at);
    return `$${value.slice(place(first), place(last) + 1)}`;
  }

  #time(key: string | undefined, told: (at: bigint) => bigint): Plain {
    const entry = this.#entry(key);
    if (entry === undefined) return integer(-2);
    return integer(entry.at === undefined ? -1 : told(entry.at));
  }

  #object(what: string, entry: Entry | undefined): Plain {
    if (entry === undefined) return null;
    const { value, isRaw = false } = entry;
    const isInteger = !isRaw && integerOf(value) !== null;
    if (what === "refcount") return integer(isInteger && /^\d{1,4}$/.test(value) ? 2147483647 : 1);
    if (isRaw || value.length > 44) return "$raw";
    return isInteger ? "$int" : "$embstr";
  }
}

const bit = (is: boolean): Plain => integer(is ? 1 : 0);
const isPast = (at: bigint | undefined, nowMs: bigint): boolean => at !== undefined && at <= nowMs;

function count(words: readonly string[], counts: (key: string) => boolean): Plain {
  return integer(words.filter(counts).length);
}

function pairs(words: readonly string[]): [string, string][] {
  return Array.from({ length: words.length / 2 }, (_, nth) => [
    words[2 * nth] as string,
    words[2 * nth + 1] as string,
  ]);
}

/** Of the longest common subsequence, row by row. */
function commonLength(a: string, b: string): number {
  let above = new Array<number>(b.length + 1).fill(0);
  for (const char of a) {
    const row = [0];
    for (let at = 1; at <= b.length; at++) {
      const isSame = b[at - 1] === char;
      const best = Math.max(above[at] as number, row[at - 1] as number);
      row.push(isSame ? (above[at - 1] as number) + 1 : best);
    }
    above = row;
  }
  return above[b.length] as number;
}
