// Replies as plain values: what a handler returns and what `encode-reply.ts` turns into bytes.

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
  readonly entries: readonly (readonly [Reply, Reply])[];
  constructor(entries: readonly (readonly [Reply, Reply])[]) {
    this.entries = entries;
  }
}

/** RESP3 `~`; in RESP2 an array. */
export class SetReply {
  readonly type = "set";
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** RESP3 `>`; in RESP2 an array. */
export class PushReply {
  readonly type = "push";
  readonly items: readonly Reply[];
  constructor(items: readonly Reply[]) {
    this.items = items;
  }
}

/** RESP3 `|` and the attributes, then the reply that they are about; in RESP2 that reply alone. */
export class AttributeReply {
  readonly type = "attribute";
  readonly attributes: readonly (readonly [Reply, Reply])[];
  readonly reply: Reply;
  constructor(attributes: readonly (readonly [Reply, Reply])[], reply: Reply) {
    this.attributes = attributes;
    this.reply = reply;
  }
}

/** RESP2 `*-1`, RESP3 `_`. */
export class NullArrayReply {
  readonly type = "null-array";
}

/** Items of one part of a LongArray. */
const partItems = 1_000;

/**
 * An array of any length, in parts. A plain one of millions of items stands still for up to half a
 * second whenever it grows, because all of it is copied.
 */
export class LongArray {
  readonly type = "long-array";
  readonly parts: Reply[][] = [[]];

  get length(): number {
    return (this.parts.length - 1) * partItems + (this.parts.at(-1)?.length ?? 0);
  }

  push(item: Reply): void {
    let last = this.parts.at(-1) as Reply[];
    if (last.length === partItems) {
      last = [];
      this.parts.push(last);
    }
    last.push(item);
  }

  /** As plain as its length allows. */
  get reply(): LongArray | readonly Reply[] {
    return this.parts.length === 1 ? (this.parts[0] as Reply[]) : this;
  }
}

/** Nothing on the wire: CLIENT REPLY OFF and SKIP. */
export class NoReply {
  readonly type = "none";
}

export const ok = new SimpleString("OK");
export const nullArray = new NullArrayReply();
export const noReply = new NoReply();
