// Replies into bytes of RESP2 or RESP3; `benchmarks/` measures it with every command.

import { unreachable } from "../assert.ts";
import { errorTextMax, outputPieceBytes } from "../constants.ts";
import { formatDouble } from "./format-double.ts";
import {
  type AttributeReply,
  type Bytes,
  costOf,
  type Entries,
  type Items,
  type LongArray,
  type MapReply,
  ok,
  type PairsReply,
  type Protocol,
  type PushReply,
  partsOf,
  type Reply,
  type SetReply,
  type TaggedReply,
  type VerbatimReply,
} from "./reply.ts";

type Aggregate = LongArray | MapReply | PairsReply | SetReply | PushReply | AttributeReply;

type Steps = Generator<undefined, void>;

/** The bytes of one reply of moderate size at once; replies that may be huge go through a ReplyBuffer. */
export function encodeReply(reply: Reply, protocol: Protocol): Bytes {
  const buffer = new ReplyBuffer(Number.POSITIVE_INFINITY);
  buffer.append(reply, protocol);
  return buffer.take();
}

/**
 * Error text becomes one line of bounded length, as Redis makes it: line ends at its end go, and
 * those within become spaces. So does NUL, where Redis would end the text.
 */
export function errorLine(text: Bytes): Bytes {
  return oneLine(text.slice(0, errorTextMax).replace(/[\r\n]+$/, ""));
}

function oneLine(text: Bytes): Bytes {
  return text.replace(/[\r\n\0]/g, " ");
}

/** A reply that is not encoded yet. */
interface Waiting {
  readonly reply: Reply;
  readonly protocol: Protocol;
  readonly cost: number;
}

/**
 * Output of one session, in order. What fits into a piece is encoded when it is appended: usually all of a turn
 * is one string. What comes with and after a longer reply waits as it is, and is encoded piece by piece as it is taken.
 */
export class ReplyBuffer {
  readonly #pieceBytes: number;
  #text: Bytes = "";
  #waiting: Waiting[] = [];
  #waitingCost = 0;
  #steps: Steps | null = null;

  constructor(pieceBytes = outputPieceBytes) {
    this.#pieceBytes = pieceBytes;
  }

  /** Bytes that are encoded, and what the replies cost that are not: they count from the moment they exist. */
  get length(): number {
    return this.#text.length + this.#waitingCost;
  }
  get isEmpty(): boolean {
    return this.#text === "" && this.#steps === null;
  }

  append(reply: Reply, protocol: Protocol): void {
    const cost = costOf(reply);
    if (this.#steps === null && cost + this.#text.length <= this.#pieceBytes) {
      this.#encode(reply, protocol);
      return;
    }
    this.#waiting.push({ reply, protocol, cost });
    this.#waitingCost += cost;
    this.#steps ??= this.#encodeWaiting();
  }

  /** The next piece, empty when nothing waits. It may be longer than `pieceBytes` by one small item. */
  take(): Bytes {
    while (this.#steps !== null && this.#text.length < this.#pieceBytes) {
      if (this.#steps.next().done === true) this.#steps = null;
    }
    const text = this.#text;
    this.#text = "";
    return text;
  }

  *#encodeWaiting(): Steps {
    while (this.#waiting.length > 0) {
      // From the end of a reversed list, so that no reply is kept when it has been encoded.
      const waiting = this.#waiting.reverse();
      this.#waiting = [];
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        if (next.cost > this.#pieceBytes) yield* this.#inSteps(next.reply, next.protocol);
        else this.#encode(next.reply, next.protocol);
        this.#waitingCost -= next.cost;
        yield;
      }
    }
  }

  *#inSteps(reply: Reply, protocol: Protocol): Steps {
    if (typeof reply === "string") yield* this.#bulkInSteps(reply);
    else if (typeof reply !== "object" || reply === null) this.#encode(reply, protocol);
    else if ("type" in reply) yield* this.#taggedInSteps(reply, protocol);
    else yield* this.#itemsInSteps("*", reply, protocol);
  }

  *#bulkInSteps(bytes: Bytes): Steps {
    this.appendRaw(`$${bytes.length}\r\n`);
    yield* this.#textInSteps(bytes);
  }

  *#textInSteps(bytes: Bytes): Steps {
    const step = this.#pieceBytes;
    for (let at = 0; at < bytes.length; at += step) {
      this.appendRaw(bytes.slice(at, at + step));
      yield;
    }
    this.appendRaw("\r\n");
  }

  *#itemsInSteps(mark: string, items: Items, protocol: Protocol): Steps {
    this.appendRaw(`${mark}${items.length}\r\n`);
    for (const part of partsOf(items)) {
      for (const item of part) {
        if (costOf(item) > this.#pieceBytes) yield* this.#inSteps(item, protocol);
        else this.#encode(item, protocol);
        if (this.#text.length >= this.#pieceBytes) yield;
      }
    }
  }

  /** `mark` stands before each entry. */
  *#entriesInSteps(header: Bytes, entries: Entries, mark: Bytes, protocol: Protocol): Steps {
    this.appendRaw(header);
    for (const part of partsOf(entries)) {
      for (const entry of part) {
        this.appendRaw(mark);
        for (const item of entry) {
          if (costOf(item) > this.#pieceBytes) yield* this.#inSteps(item, protocol);
          else this.#encode(item, protocol);
        }
        if (this.#text.length >= this.#pieceBytes) yield;
      }
    }
  }

  *#taggedInSteps(reply: TaggedReply, protocol: Protocol): Steps {
    switch (reply.type) {
      case "long-array":
        yield* this.#itemsInSteps("*", reply, protocol);
        return;
      case "set":
      case "push":
        yield* this.#itemsInSteps(markOf(reply.type, protocol), reply.items, protocol);
        return;
      case "map":
      case "pairs": {
        const { entries } = reply;
        const mark = entryMark(reply.type, protocol);
        yield* this.#entriesInSteps(entriesHeader(reply, protocol), entries, mark, protocol);
        return;
      }
      case "attribute": {
        const { attributes } = reply;
        if (protocol === 3) {
          yield* this.#entriesInSteps(`|${attributes.length}\r\n`, attributes, "", protocol);
        }
        yield* this.#inSteps(reply.reply, protocol);
        return;
      }
      case "verbatim":
        this.appendRaw(verbatimHeader(reply, protocol));
        yield* this.#textInSteps(reply.text);
        return;
      case "simple":
      case "error":
      case "double":
      case "boolean":
      case "big-number":
      case "null-array":
      case "none":
        this.#encode(reply, protocol);
        return;
      default:
        unreachable(reply);
    }
  }

  #encode(reply: Reply, protocol: Protocol): void {
    if (typeof reply === "string") this.appendRaw(`$${reply.length}\r\n${reply}\r\n`);
    else if (typeof reply === "number" || typeof reply === "bigint")
      this.appendRaw(`:${reply}\r\n`);
    else if (reply === null) this.appendRaw(protocol === 2 ? "$-1\r\n" : "_\r\n");
    else if ("type" in reply) this.#tagged(reply, protocol);
    else this.#items("*", reply, protocol);
  }

  /** Bytes that are encoded already; only while nothing waits. */
  appendRaw(bytes: Bytes): void {
    this.#text += bytes;
  }

  #items(mark: string, items: Items, protocol: Protocol): void {
    this.appendRaw(`${mark}${items.length}\r\n`);
    if ("type" in items) {
      for (const part of items.parts) for (const item of part) this.#encode(item, protocol);
    } else for (const item of items) this.#encode(item, protocol);
  }

  #entries(header: Bytes, entries: Entries, mark: Bytes, protocol: Protocol): void {
    this.appendRaw(header);
    for (const part of partsOf(entries)) {
      for (const [key, value] of part) {
        this.appendRaw(mark);
        this.#encode(key, protocol);
        this.#encode(value, protocol);
      }
    }
  }

  #tagged(reply: TaggedReply, protocol: Protocol): void {
    const isOld = protocol === 2;
    switch (reply.type) {
      case "simple":
        this.appendRaw(reply === ok ? "+OK\r\n" : `+${oneLine(reply.text)}\r\n`);
        return;
      case "error":
        this.appendRaw(`-${errorLine(reply.text)}\r\n`);
        return;
      case "double":
        this.#number(",", formatDouble(reply.value), protocol);
        return;
      case "boolean":
        this.appendRaw(isOld ? `:${reply.value ? 1 : 0}\r\n` : `#${reply.value ? "t" : "f"}\r\n`);
        return;
      case "big-number":
        this.#number("(", reply.digits, protocol);
        return;
      case "verbatim":
        this.appendRaw(`${verbatimHeader(reply, protocol)}${reply.text}\r\n`);
        return;
      case "null-array":
        this.appendRaw(isOld ? "*-1\r\n" : "_\r\n");
        return;
      case "none":
        return;
      case "long-array":
      case "map":
      case "pairs":
      case "set":
      case "push":
      case "attribute":
        this.#aggregate(reply, protocol);
        return;
      default:
        unreachable(reply);
    }
  }

  #aggregate(reply: Aggregate, protocol: Protocol): void {
    switch (reply.type) {
      case "long-array":
        this.#items("*", reply, protocol);
        return;
      case "set":
      case "push":
        this.#items(markOf(reply.type, protocol), reply.items, protocol);
        return;
      case "map":
      case "pairs": {
        const mark = entryMark(reply.type, protocol);
        this.#entries(entriesHeader(reply, protocol), reply.entries, mark, protocol);
        return;
      }
      case "attribute": {
        const { attributes } = reply;
        if (protocol === 3) {
          this.#entries(`|${attributes.length}\r\n`, attributes, "", protocol);
        }
        this.#encode(reply.reply, protocol);
        return;
      }
      default:
        unreachable(reply);
    }
  }

  #number(mark: string, text: Bytes, protocol: Protocol): void {
    this.appendRaw(protocol === 2 ? `$${text.length}\r\n${text}\r\n` : `${mark}${text}\r\n`);
  }
}

function markOf(type: "set" | "push", protocol: Protocol): string {
  if (protocol === 2) return "*";
  return type === "set" ? "~" : ">";
}

function entriesHeader({ type, entries }: MapReply | PairsReply, protocol: Protocol): Bytes {
  if (protocol === 2) return `*${2 * entries.length}\r\n`;
  return `${type === "map" ? "%" : "*"}${entries.length}\r\n`;
}

function entryMark(type: "map" | "pairs", protocol: Protocol): Bytes {
  return type === "pairs" && protocol === 3 ? "*2\r\n" : "";
}

function verbatimHeader({ text, format }: VerbatimReply, protocol: Protocol): Bytes {
  return protocol === 2 ? `$${text.length}\r\n` : `=${text.length + 4}\r\n${format}:`;
}
