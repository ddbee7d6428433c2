// Hostile bytes on the client port: what is sent, and what the connection must answer.

import type { Random } from "./random.ts";

/** What a server did with the bytes: everything it answered, and whether it closed. */
export interface Reaction {
  readonly replies: string;
  readonly closed: boolean;
}

export interface HostileRow {
  readonly title: string;
  /** Pieces are written one by one, with a pause between them. */
  readonly pieces: readonly string[];
  /** Where kvorum is meant to differ from Redis: its own reaction, and why. */
  readonly differs?: { readonly why: string; readonly expected: Reaction };
}

const row = (title: string, ...pieces: string[]): HostileRow => ({ title, pieces });

const ping = "*1\r\n$4\r\nPING\r\n";
const pong = "+PONG\r\n";
const request = (...words: string[]) =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

const error = (text: string): Reaction => ({
  replies: `-ERR Protocol error: ${text}\r\n`,
  closed: true,
});

/** Valid requests of several kinds, all about one key. */
function pipeline(key: string): string {
  return [
    request("SET", key, "a\r\nb"),
    `GET ${key}\r\n`,
    request("MGET", key, "hostile:none"),
    request("DEL", key),
    ping,
  ].join("");
}

const headers: readonly HostileRow[] = [
  row("empty requests before a PING", `\r\n*0\r\n*-1\r\n*-10\r\n${ping}`),
  row("a count beyond 32 bits", "*3000000000\r\n"),
  ...["*+1", "*01", "* 1", "*1x", "*", "*1.0", "*1 ", "*0x1", "*-", "*--1"].map((header) =>
    row(`the count ${header}`, `${header}\r\n`, ping),
  ),
  ...["$-1", "$-10", "$2000000000", "$536870913", "$abc", "$1e3", "$", "$ 4", "$+4", "$04"].map(
    (header) => row(`the length ${header}`, `*1\r\n${header}\r\n`, "PING\r\n"),
  ),
  row("an empty command name", `*1\r\n$0\r\n\r\n${ping}`),
  ...[":1", "*1", "+OK", "foo", "-", "_", "%1", "#t"].map((header) =>
    row(`${JSON.stringify(header)} in the place of a word`, `*1\r\n${header}\r\n`),
  ),
  row("an array with LF for CRLF", "*1\n$4\nPING\n"),
];

const inline: readonly HostileRow[] = [
  row(
    "inline requests with quotes, escapes and LF only",
    `SET hostile:q "a\\x41\\r b"\nGET hostile:q\r\n`,
  ),
  row("inline single quotes", "ECHO 'it\\'s \"so\"'\r\nECHO ''\r\n"),
  row("inline tabs and many spaces", "  \t ECHO \t x  \r\n"),
  row("an inline word after a closing quote", 'ECHO "a"b\r\n'),
  row("an unbalanced double quote", `ECHO "abc\r\n${ping}`),
  row("an unbalanced single quote", "ECHO 'abc\r\n"),
  row("an unbalanced escape", 'ECHO "abc\\\r\n'),
  row("a line beyond 64 KiB without an end", "x".repeat(65 * 1024)),
  row("70 KiB of digits after *", `*${"1".repeat(70 * 1024)}`),
  row("70 KiB of digits after $", `*1\r\n$${"1".repeat(70 * 1024)}`),
  row("HTTP POST", "POST / HTTP/1.1\r\nHost: example.com\r\n\r\n"),
  row("HTTP Host: as an array", request("host:", "x")),
];

const commands: readonly HostileRow[] = [
  row("CR, LF and NUL in an unknown command", request("no\r\nsuch\0", "a\r\nb", "c\0d", "e")),
  row(
    "an unknown command with long words",
    request("x".repeat(300), ...Array(30).fill("y".repeat(50))),
  ),
  row("EX 0, below 0 and beyond 63 bits", expiries()),
  row("integers at their limits", integers()),
  row("SETRANGE beyond the largest value", offsets()),
  row("keys that are names of object properties", properties()),
  row("arities, databases and protocols that do not exist", arities()),
  row("a pattern that backtracks", backtracking()),
  row("two keys that decode to the same UTF-8 replacement", replacements()),
  row("every byte as key and as value", everyByte()),
];

function expiries(): string {
  const times = ["0", "-1", "9223372036854775807", "9223372036854775808", "1.5", "", " 1"];
  return [
    ...times.map((time) => request("SET", "hostile:e", "v", "EX", time)),
    ...["9223372036854775807", "-9223372036854775808", "-1"].flatMap((time) => [
      request("SET", "hostile:e", "v"),
      request("EXPIRE", "hostile:e", time),
      request("PEXPIREAT", "hostile:e", time),
      request("EXISTS", "hostile:e"),
    ]),
  ].join("");
}

function integers(): string {
  const values = ["9223372036854775807", "1.0", " 1", "1 ", "-9223372036854775808", "", "0x1"];
  return values
    .map((value) =>
      [
        request("SET", "hostile:i", value),
        request("INCR", "hostile:i"),
        request("DECRBY", "hostile:i", "-9223372036854775808"),
        request("DECR", "hostile:i"),
        request("INCRBY", "hostile:i", value),
        request("GET", "hostile:i"),
      ].join(""),
    )
    .join("");
}

function offsets(): string {
  return ["4294967296", "-1", "9223372036854775807", "536870912"]
    .map((offset) => request("SETRANGE", "hostile:r", offset, "x"))
    .join("");
}

function properties(): string {
  return ["__proto__", "constructor", "toString", "hasOwnProperty", ""]
    .map((key) => request("GET", key) + request("SET", key, key) + request("GETDEL", key))
    .join("");
}

function arities(): string {
  return [
    request("MSET", "a"),
    request("GET"),
    request("SELECT", "99"),
    request("HELLO", "4"),
    request("HELLO", "x"),
    request("PING", "a", "b"),
    request("CLIENT"),
  ].join("");
}

function backtracking(): string {
  return [
    request("SET", "a".repeat(60), "v"),
    request("KEYS", `${"a*".repeat(40)}b`),
    request("DEL", "a".repeat(60)),
  ].join("");
}

function replacements(): string {
  return [
    request("MSET", "\xff", "one", "\xfe", "two"),
    request("MGET", "\xff", "\xfe", "\xef\xbf\xbd"),
    request("DEL", "\xff", "\xfe"),
  ].join("");
}

function everyByte(): string {
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
  return request("SET", bytes, bytes) + request("GETDEL", bytes);
}

const differing: readonly HostileRow[] = [
  {
    ...row("HTTP GET", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"),
    differs: {
      why: "Redis loses the answer to the first line when the second one comes with it",
      expected: {
        replies: "-ERR wrong number of arguments for 'get' command\r\n",
        closed: true,
      },
    },
  },
  {
    ...row("a NUL in the place of a word", "*1\r\n\0\r\n"),
    differs: {
      why: "to Redis the input ends at a NUL, and it waits for more",
      expected: error("expected '$', got ' '"),
    },
  },
  {
    ...row("a lone CR in a header", `*1\r\n$4\r\r\nPING\r\n${ping}`),
    differs: {
      why: "Redis takes any byte after CR for LF",
      expected: error("invalid bulk length"),
    },
  },
  {
    ...row("two other bytes where CRLF must follow a word", "*1\r\n$4\r\nPINGxx", ping),
    differs: {
      why: "stricter: a client that miscounts must not have its next bytes taken for a request",
      expected: error("expected CRLF after bulk string"),
    },
  },
  {
    ...row("a count of 2^31 - 1", "*2147483647\r\n"),
    differs: {
      why: "kvorum allows fewer words in one request",
      expected: error("invalid multibulk length"),
    },
  },
  {
    ...row("a TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    differs: { why: "nothing else begins with this byte", expected: { replies: "", closed: true } },
  },
  {
    ...row("a NUL in the first line", "PI\0NG\r\n"),
    differs: { why: "no text protocol contains it", expected: { replies: "", closed: true } },
  },
];

/** One byte per piece: every position at which a request can be cut. */
const split: HostileRow = {
  title: "a pipeline in pieces of one byte",
  pieces: [...pipeline("hostile:split")],
};

export const hostileRows: readonly HostileRow[] = [
  ...headers,
  ...inline,
  ...commands,
  ...differing,
  split,
  row("a pipeline in one piece", pipeline("hostile:whole")),
];

/** Flips, drops, doubles or inserts a few bytes. */
function mutated(text: string, random: Random): string {
  let bytes = text;
  for (let count = random.between(1, 3); count > 0; count--) {
    const at = random.between(0, bytes.length - 1);
    const rest = bytes.slice(at + 1);
    const odd = random.chance(0.5)
      ? random.pick([..."*$\r\n 019-+:\"'"])
      : String.fromCharCode(random.between(0, 255));
    const kind = random.between(0, 3);
    if (kind === 0) bytes = bytes.slice(0, at) + odd + rest;
    else if (kind === 1) bytes = bytes.slice(0, at) + rest;
    else if (kind === 2) bytes = bytes.slice(0, at) + odd + bytes.slice(at);
    else bytes = bytes.slice(0, at + 1) + bytes.slice(at, at + 1) + rest;
  }
  return bytes;
}

export { mutated, ping, pipeline, pong, request };
