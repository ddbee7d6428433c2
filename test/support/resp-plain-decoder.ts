// The plain, slow twin of RequestDecoder: whole input in, everything it means out.

import { splitInline } from "../../src/resp/inline.ts";
import type { RequestLimits } from "../../src/resp/request-limits.ts";

/** What a stream of bytes means, however it was cut. */
export interface Decoded {
  readonly requests: readonly (readonly string[])[];
  /** The raw bytes of each request. */
  readonly raw: readonly string[];
  /** Text of the protocol error, "silent" for a close without words, null while all is well. */
  readonly end: string | null;
}

interface Line {
  readonly text: string;
  readonly next: number;
}

/** Thrown to leave the decoding; the message is `Decoded.end`. */
class End extends Error {}

/** Bytes are missing: what stands at the end is no whole request yet. */
const incomplete = Symbol("incomplete");

const protocolError = (words: string) => new End(`ERR Protocol error: ${words}`);

/** Decodes a binary string. */
export function plainDecode(input: string, limits: RequestLimits): Decoded {
  const requests: string[][] = [];
  const raw: string[] = [];
  let at = 0;
  try {
    while (at < input.length) {
      const words: string[] = [];
      const next =
        input[at] === "*"
          ? readArray(input, at, words, limits)
          : readInline(input, at, words, limits);
      if (next === incomplete) break;
      if (/^(post|host:)$/i.test(words[0] ?? "")) throw new End("silent");
      if (words.length > 0) {
        requests.push(words);
        raw.push(input.slice(at, next));
      }
      at = next;
    }
  } catch (end) {
    if (!(end instanceof End)) throw end;
    return { requests, raw, end: end.message };
  }
  return { requests, raw, end: null };
}

type Next = number | typeof incomplete;

function readArray(input: string, from: number, words: string[], limits: RequestLimits): Next {
  const header = readLine(input, from, { limits, tooBig: "too big mbulk count string" });
  if (header === incomplete) return incomplete;
  const count = integer(header.text.slice(1), "invalid multibulk length");
  if (count > 2n ** 31n - 1n) throw protocolError("invalid multibulk length");
  if (!limits.authenticated && count > 10n) throw protocolError("unauthenticated multibulk length");
  if (count > BigInt(limits.words)) throw protocolError("invalid multibulk length");
  let at = header.next;
  for (let left = Number(count); left > 0; left--) {
    const bulk = readBulk(input, at, { limits, requestStart: from });
    if (bulk === incomplete) return incomplete;
    words.push(bulk.text);
    at = bulk.next;
  }
  return at;
}

interface BulkRules {
  readonly limits: RequestLimits;
  readonly requestStart: number;
}

function readBulk(input: string, from: number, rules: BulkRules): Line | typeof incomplete {
  const { limits, requestStart } = rules;
  const line = readLine(input, from, { limits, tooBig: "too big bulk count string" });
  if (line === incomplete) return incomplete;
  if (input[from] !== "$") throw protocolError(`expected '$', got '${input[from]}'`);
  const length = integer(line.text.slice(1), "invalid bulk length");
  if (length < 0n || length > BigInt(limits.bulkBytes)) throw protocolError("invalid bulk length");
  if (!limits.authenticated && length > 16384n) throw protocolError("unauthenticated bulk length");
  const end = line.next + Number(length);
  if (end + 2 - requestStart > limits.requestBytes) throw protocolError("too big request");
  if (end + 2 > input.length) return incomplete;
  if (input.slice(end, end + 2) !== "\r\n") throw protocolError("expected CRLF after bulk string");
  return { text: input.slice(line.next, end), next: end + 2 };
}

function readInline(input: string, from: number, words: string[], limits: RequestLimits): Next {
  if (input[from] === "\x16") throw new End("silent");
  const window = input.slice(from, from + limits.inlineBytes + 1);
  const nul = window.indexOf("\0");
  const newline = window.indexOf("\n");
  if (nul !== -1 && (newline === -1 || nul < newline)) throw new End("silent");
  if (newline === -1) {
    if (window.length > limits.inlineBytes) throw protocolError("too big inline request");
    return incomplete;
  }
  const split = splitInline(window.slice(0, newline).replace(/\r$/, ""));
  if (split === null) throw protocolError("unbalanced quotes in request");
  words.push(...split);
  return from + newline + 1;
}

interface LineRules {
  readonly limits: RequestLimits;
  readonly tooBig: string;
}

/** The text up to CR; what follows CR counts as text too when it is not LF. */
function readLine(input: string, from: number, rules: LineRules): Line | typeof incomplete {
  const window = input.slice(from, from + rules.limits.inlineBytes + 1);
  const length = window.indexOf("\r");
  if (length === -1) {
    if (window.length > rules.limits.inlineBytes) throw protocolError(rules.tooBig);
    return incomplete;
  }
  const after = input[from + length + 1];
  if (after === undefined) return incomplete;
  const text = window.slice(0, length) + (after === "\n" ? "" : "no line end");
  return { text, next: from + length + 2 };
}

function integer(text: string, words: string): bigint {
  if (!/^(0|-?[1-9]\d*)$/.test(text)) throw protocolError(words);
  const value = BigInt(text);
  if (BigInt.asIntN(64, value) !== value) throw protocolError(words);
  return value;
}
