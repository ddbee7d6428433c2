// Replies of RESP2 as values, for our own command line and between nodes; redis-parser reads them.

import RedisParser from "redis-parser";
import { assert } from "../assert.ts";
import { ErrorReply, type Reply, SimpleString } from "./reply.ts";
import { ReplyBoundaries } from "./reply-boundaries.ts";

const PLUS = 43;

/**
 * Gives every reply to `onReply`, errors as ErrorReply. Inside an array a simple string is a plain
 * string, and a null array is null. What is no reply at all goes to `onError`, once: the connection
 * is of no more use, and what is pushed after it is ignored.
 */
export class ReplyDecoder {
  readonly #parser: RedisParser;
  readonly #boundaries = new ReplyBoundaries();
  readonly #onError: (error: Error) => void;
  /** First bytes of the replies that have begun and were not given out yet. */
  readonly #begun: number[] = [];
  #isBroken = false;

  constructor(onReply: (reply: Reply) => void, onError: (error: Error) => void) {
    this.#onError = onError;
    const deliver = (parsed: unknown): void => {
      const isSimple = this.#begun.shift() === PLUS;
      const reply = toReply(parsed);
      onReply(isSimple && typeof reply === "string" ? new SimpleString(reply) : reply);
    };
    this.#parser = new RedisParser({
      returnReply: deliver,
      returnError: deliver,
      returnFatalError: (error) => this.#break(error),
      returnBuffers: true,
      stringNumbers: true,
    });
  }

  push(chunk: Buffer): void {
    if (this.#isBroken || chunk.length === 0) return;
    // The parser keeps the chunk; what it is given is checked first, as it has no limits itself.
    if (this.#boundaries.follow(chunk, (type) => this.#begun.push(type))) {
      this.#parser.execute(chunk);
    } else {
      this.#break(new Error("the other side does not speak the Redis protocol"));
    }
  }

  #break(error: Error): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#onError(error);
  }
}

/** The parser was told to give strings as buffers and integers as strings. */
function toReply(parsed: unknown): Reply {
  if (parsed === null) return null;
  if (Buffer.isBuffer(parsed)) return parsed.toString("latin1");
  if (typeof parsed === "string") return toInteger(parsed);
  if (Array.isArray(parsed)) return parsed.map(toReply);
  assert(parsed instanceof Error, "redis-parser gives no other values");
  return new ErrorReply(parsed.message);
}

function toInteger(digits: string): number | bigint {
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : BigInt(digits);
}
