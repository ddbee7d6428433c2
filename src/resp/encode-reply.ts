// Replies into bytes of RESP2 or RESP3; `benchmarks/` measures it with every command.

import { InvariantError, unreachable } from "../assert.ts";
import { errorTextMax, outputPieceBytes } from "../constants.ts";
import { formatDouble } from "./format-double.ts";
import {
  type AttributeReply,
  type Bytes,
  type LongArray,
  type MapReply,
  ok,
  type Protocol,
  type PushReply,
  type Reply,
  type SetReply,
  type TaggedReply,
} from "./reply.ts";

type Aggregate = MapReply | SetReply | PushReply | AttributeReply;

/** The bytes of one reply of moderate size; replies that may be huge go through a ReplyBuffer. */
export function encodeReply(reply: Reply, protocol: Protocol): Bytes {
  const buffer = new ReplyBuffer();
  buffer.append(reply, protocol);
  while (buffer.hasMore) buffer.encodeMore(Number.POSITIVE_INFINITY);
  return buffer.take().join("");
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

/** A reply in order behind a long one. */
interface Later {
  readonly reply: Reply;
  readonly protocol: Protocol;
}

/** It, or an item of it, may take longer to encode than the event loop may stand still. */
function isLong(reply: Reply): reply is LongArray | readonly Reply[] {
  if (typeof reply !== "object" || reply === null) return false;
  return "type" in reply ? reply.type === "long-array" : reply.some(isLong);
}

/**
 * Output of one session and turn: usually one string, in pieces when there is much of it. What comes
 * with and after a long reply is encoded by and by (`encodeMore`).
 */
export class ReplyBuffer {
  #text: Bytes = "";
  #pieces: Bytes[] = [];
  #piecesLength = 0;
  #later: Later[] = [];
  #steps: Generator<undefined, void> | null = null;

  /** Bytes that `take` would give. */
  get length(): number {
    return this.#piecesLength + this.#text.length;
  }

  /** Something is not encoded yet. */
  get hasMore(): boolean {
    return this.#steps !== null;
  }

  append(reply: Reply, protocol: Protocol): void {
    if (this.#steps === null && !isLong(reply)) {
      this.#encode(reply, protocol);
      return;
    }
    this.#later.push({ reply, protocol });
    this.#steps ??= this.#encodeLater();
  }

  /** Encodes until at least `bytes` more can be taken, or all. */
  encodeMore(bytes: number): void {
    const enough = this.length + bytes;
    while (this.#steps !== null && this.length < enough) {
      if (this.#steps.next().done === true) this.#steps = null;
    }
  }

  *#encodeLater(): Generator<undefined, void> {
    while (this.#later.length > 0) {
      const later = this.#later;
      this.#later = [];
      for (const { reply, protocol } of later) yield* this.#inSteps(reply, protocol);
    }
  }

  *#inSteps(reply: Reply, protocol: Protocol): Generator<undefined, void> {
    if (!isLong(reply)) {
      this.#encode(reply, protocol);
      return;
    }
    this.appendRaw(`*${reply.length}\r\n`);
    for (const part of "type" in reply ? reply.parts : [reply]) {
      for (const item of part) {
        if (isLong(item)) yield* this.#inSteps(item, protocol);
        else this.#encode(item, protocol);
      }
      yield;
    }
  }

  #encode(reply: Reply, protocol: Protocol): void {
    if (typeof reply === "string") this.#bulk(reply);
    else if (typeof reply === "number" || typeof reply === "bigint")
      this.appendRaw(`:${reply}\r\n`);
    else if (reply === null) this.appendRaw(protocol === 2 ? "$-1\r\n" : "_\r\n");
    else if ("type" in reply) this.#tagged(reply, protocol);
    else this.#items("*", reply, protocol);
  }

  /** Bytes that are encoded already. */
  appendRaw(bytes: Bytes): void {
    if (this.#text.length + bytes.length > outputPieceBytes) this.#endPiece();
    this.#text += bytes;
  }

  /** Everything since the last call, in order: usually one string. Hands over nothing when there is none. */
  flush(write: (bytes: Bytes) => void): void {
    if (this.#pieces.length > 0) {
      for (const piece of this.take()) write(piece);
      return;
    }
    const text = this.#text;
    this.#text = "";
    if (text !== "") write(text);
  }

  /** As `flush`, as a list. */
  take(): Bytes[] {
    this.#endPiece();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#piecesLength = 0;
    return pieces;
  }

  #endPiece(): void {
    if (this.#text === "") return;
    this.#pieces.push(this.#text);
    this.#piecesLength += this.#text.length;
    this.#text = "";
  }

  #bulk(bytes: Bytes): void {
    if (bytes.length < outputPieceBytes) {
      this.appendRaw(`$${bytes.length}\r\n${bytes}\r\n`);
      return;
    }
    // A piece of its own: joined with its header it might exceed V8's longest string.
    this.appendRaw(`$${bytes.length}\r\n`);
    this.#endPiece();
    this.appendRaw(bytes);
    this.#endPiece();
    this.appendRaw("\r\n");
  }

  #items(mark: string, items: readonly Reply[], protocol: Protocol): void {
    this.appendRaw(`${mark}${items.length}\r\n`);
    for (const item of items) this.#encode(item, protocol);
  }

  #entries(mark: string, entries: readonly (readonly [Reply, Reply])[], protocol: Protocol): void {
    const count = mark === "*" ? 2 * entries.length : entries.length;
    this.appendRaw(`${mark}${count}\r\n`);
    for (const [key, value] of entries) {
      this.#encode(key, protocol);
      this.#encode(value, protocol);
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
        if (isOld) this.#bulk(reply.text);
        else this.#verbatim(reply.format, reply.text);
        return;
      case "null-array":
        this.appendRaw(isOld ? "*-1\r\n" : "_\r\n");
        return;
      case "none":
        return;
      case "long-array":
        throw new InvariantError("a long array is encoded in steps");
      case "map":
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
    const isOld = protocol === 2;
    switch (reply.type) {
      case "map":
        this.#entries(isOld ? "*" : "%", reply.entries, protocol);
        return;
      case "set":
        this.#items(isOld ? "*" : "~", reply.items, protocol);
        return;
      case "push":
        this.#items(isOld ? "*" : ">", reply.items, protocol);
        return;
      case "attribute":
        if (!isOld) this.#entries("|", reply.attributes, protocol);
        this.#encode(reply.reply, protocol);
        return;
      default:
        unreachable(reply);
    }
  }

  #number(mark: string, text: Bytes, protocol: Protocol): void {
    if (protocol === 2) this.#bulk(text);
    else this.appendRaw(`${mark}${text}\r\n`);
  }

  #verbatim(format: string, text: Bytes): void {
    this.appendRaw(`=${text.length + 4}\r\n${format}:`);
    if (text.length >= outputPieceBytes) this.#endPiece();
    this.appendRaw(text);
    if (text.length >= outputPieceBytes) this.#endPiece();
    this.appendRaw("\r\n");
  }
}
