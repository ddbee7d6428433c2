// Replies as plain values: what a handler returns and what `encode-reply.ts` turns into bytes.

import { unreachable } from "../assert.ts";

/** Binary string: one char per byte (latin1). Never decode bytes as UTF-8. */
export type Bytes = string;

/** The RESP version of a connection (HELLO). */
export type Protocol = 2 | 3;

/**
 * string = bulk string, number or bigint = integer, null = null, array = array; the rest is tagged.
 * Numbers are safe integers; beyond 2^53 an integer is a bigint within 64 bits.
 */
export type Reply = Bytes | number | bigint | null | readonly Reply[] | TaggedReply;

export type TaggedReply =
  | SimpleString
  | ErrorReply
  | DoubleReply
  | BooleanReply
  | BigNumberReply
  | VerbatimReply
  | MapReply
  | PairsReply
  | SetReply
  | PushReply
  | AttributeReply
  | NullArrayReply
  | NoReply
  | LongArray;

/** `+OK`. The text holds no CR or LF. */
export class SimpleString {
  readonly type = "simple";
  readonly text: Bytes;
  constructor(text: Bytes) {
    this.text = text;
  }
}

/** `-ERR ...`: a client's mistake or a definite refusal; travels the same road as a good reply. */
export class ErrorReply {
  readonly type = "error";
  /** Code and words, as on the wire: "ERR syntax error". */
  readonly text: Bytes;
  constructor(text: Bytes) {
    this.text = text;
  }
}

/** RESP3 `,1.5`; in RESP2 a bulk string. */
export class DoubleReply {
  readonly type = "double";
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

/** RESP3 `#t`; in RESP2 the integer 1 or 0. */
export class BooleanReply {
  readonly type = "boolean";
  readonly value: boolean;
  constructor(value: boolean) {
    this.value = value;
  }
}

/** RESP3 `(123...`; in RESP2 a bulk string. */
export class BigNumberReply {
  readonly type = "big-number";
  readonly digits: Bytes;
  constructor(digits: Bytes) {
    this.digits = digits;
  }
}

/** RESP3 `=15\r\ntxt:...`; in RESP2 a bulk string. */
export class VerbatimReply {
  readonly type = "verbatim";
  readonly format: "txt" | "mkd";
  readonly text: Bytes;
  constructor(text: Bytes, format: "txt" | "mkd" = "txt") {
    this.text = text;
    this.format = format;
  }
}

/** RESP3 `%`; in RESP2 a flat array of twice the length. */
export class MapReply {
  readonly type = "map";
  readonly entries: Entries;
  constructor(entries: Entries) {
    this.entries = entries;
  }
}

/** In RESP3 an array of arrays of two (ZRANGE WITHSCORES and its kin); in RESP2 a flat array of twice the length. */
export class PairsReply {
  readonly type = "pairs";
  readonly entries: Entries;
  constructor(entries: Entries) {
    this.entries = entries;
  }
}

/** RESP3 `~`; in RESP2 an array. */
export class SetReply {
  readonly type = "set";
  readonly items: Items;
  constructor(items: Items) {
    this.items = items;
  }
}

/** RESP3 `>`; in RESP2 an array. */
export class PushReply {
  readonly type = "push";
  readonly items: Items;
  constructor(items: Items) {
    this.items = items;
  }
}

/** RESP3 `|` and the attributes, then the reply that they are about; in RESP2 that reply alone. */
export class AttributeReply {
  readonly type = "attribute";
  readonly attributes: Entries;
  readonly reply: Reply;
  constructor(attributes: Entries, reply: Reply) {
    this.attributes = attributes;
    this.reply = reply;
  }
}

/** RESP2 `*-1`, RESP3 `_`. */
export class NullArrayReply {
  readonly type = "null-array";
}

/** Memory of an item besides its bytes, about; its header on the wire is shorter. */
const itemCost = 32;

/** Items of one part of a LongArray. */
const partItems = 1_000;

/**
 * An array of any length, in parts: an aggregate takes it wherever it takes a plain one. A plain array of
 * millions of items stands still for up to half a second whenever it grows, because all of it is copied.
 */
export class LongArray<Item extends Reply = Reply> {
  readonly type = "long-array";
  readonly parts: Item[][] = [[]];
  #cost = itemCost;

  get length(): number {
    return (this.parts.length - 1) * partItems + (this.parts.at(-1)?.length ?? 0);
  }
  /** See `costOf`. */
  get cost(): number {
    return this.#cost;
  }

  /** The item must be whole: what is added to it later is not counted. */
  push(item: Item): void {
    let last = this.parts.at(-1) as Item[];
    if (last.length === partItems) {
      last = [];
      this.parts.push(last);
    }
    last.push(item);
    this.#cost += costOf(item);
  }

  /** As plain as its length allows. */
  get reply(): LongArray<Item> | readonly Item[] {
    return this.parts.length === 1 ? (this.parts[0] as Item[]) : this;
  }
}

/** What an aggregate holds: a plain array, or a long one. */
export type Some<Item extends Reply> = readonly Item[] | LongArray<Item>;
export type Items = Some<Reply>;
export type Entry = readonly [Reply, Reply];
export type Entries = Some<Entry>;

export function partsOf<Item extends Reply>(some: Some<Item>): readonly (readonly Item[])[] {
  return "type" in some ? some.parts : [some];
}

/** All of them in one array: for small replies and for tests. */
export function plain<Item extends Reply>(some: Some<Item>): readonly Item[] {
  return "type" in some ? (some.parts.flat() as Item[]) : some;
}

/** Nothing on the wire: CLIENT REPLY OFF and SKIP. */
export class NoReply {
  readonly type = "none";
}

export const ok = new SimpleString("OK");
export const nullArray = new NullArrayReply();
export const noReply = new NoReply();

/** Memory that a waiting reply keeps, about, and no less than its bytes on the wire. A long array has counted its own. */
export function costOf(reply: Reply): number {
  if (typeof reply === "string") return itemCost + reply.length;
  if (typeof reply !== "object" || reply === null) return itemCost;
  if (!("type" in reply)) return costOfAll(reply);
  switch (reply.type) {
    case "long-array":
      return reply.cost;
    case "map":
    case "pairs":
      return costOfAll(reply.entries);
    case "set":
    case "push":
      return costOfAll(reply.items);
    case "attribute":
      return costOfAll(reply.attributes) + costOf(reply.reply);
    case "big-number":
      return itemCost + reply.digits.length;
    case "simple":
    case "error":
    case "verbatim":
      return itemCost + reply.text.length;
    case "double":
    case "boolean":
    case "null-array":
    case "none":
      return itemCost;
    default:
      return unreachable(reply);
  }
}

function costOfAll(items: Items | Entries): number {
  if ("type" in items) return items.cost;
  let cost = itemCost;
  for (const item of items) cost += costOf(item);
  return cost;
}
