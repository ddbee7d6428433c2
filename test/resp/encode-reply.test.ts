// Every kind of reply on the wire of both protocols, as Redis 7.0.15 writes it.

import RedisParser from "redis-parser";
import { describe, expect, it } from "vitest";
import { errorTextMax, outputPieceBytes } from "../../src/constants.ts";
import { encodeReply, ReplyBuffer } from "../../src/resp/encode-reply.ts";
import {
  AttributeReply,
  BigNumberReply,
  BooleanReply,
  DoubleReply,
  ErrorReply,
  LongArray,
  MapReply,
  noReply,
  nullArray,
  ok,
  PushReply,
  type Reply,
  SetReply,
  SimpleString,
  VerbatimReply,
} from "../../src/resp/reply.ts";

const digits = "1234567999999999999999999999999999999";
const entries: [Reply, Reply][] = [
  [0, new BooleanReply(false)],
  ["a", null],
];

it.each<[string, Reply, string, string]>([
  ["OK", ok, "+OK\r\n", "+OK\r\n"],
  ["a simple string", new SimpleString("QUEUED"), "+QUEUED\r\n", "+QUEUED\r\n"],
  ["an error", new ErrorReply("ERR no"), "-ERR no\r\n", "-ERR no\r\n"],
  ["a bulk string", "a\r\n\xff\0", "$5\r\na\r\n\xff\0\r\n", "$5\r\na\r\n\xff\0\r\n"],
  ["the empty bulk string", "", "$0\r\n\r\n", "$0\r\n\r\n"],
  ["an integer", -42, ":-42\r\n", ":-42\r\n"],
  ["a large integer", 2n ** 63n - 1n, ":9223372036854775807\r\n", ":9223372036854775807\r\n"],
  ["null", null, "$-1\r\n", "_\r\n"],
  ["the null array", nullArray, "*-1\r\n", "_\r\n"],
  [
    "an array",
    [1, "a", [null, []]],
    "*3\r\n:1\r\n$1\r\na\r\n*2\r\n$-1\r\n*0\r\n",
    "*3\r\n:1\r\n$1\r\na\r\n*2\r\n_\r\n*0\r\n",
  ],
  ["a double", new DoubleReply(3.5), "$3\r\n3.5\r\n", ",3.5\r\n"],
  ["an infinite double", new DoubleReply(-Infinity), "$4\r\n-inf\r\n", ",-inf\r\n"],
  ["true", new BooleanReply(true), ":1\r\n", "#t\r\n"],
  ["false", new BooleanReply(false), ":0\r\n", "#f\r\n"],
  ["a big number", new BigNumberReply(digits), `$37\r\n${digits}\r\n`, `(${digits}\r\n`],
  ["verbatim text", new VerbatimReply("a\nb"), "$3\r\na\nb\r\n", "=7\r\ntxt:a\nb\r\n"],
  ["verbatim markdown", new VerbatimReply("# a", "mkd"), "$3\r\n# a\r\n", "=7\r\nmkd:# a\r\n"],
  [
    "a map",
    new MapReply(entries),
    "*4\r\n:0\r\n:0\r\n$1\r\na\r\n$-1\r\n",
    "%2\r\n:0\r\n#f\r\n$1\r\na\r\n_\r\n",
  ],
  ["a set", new SetReply([0, 1]), "*2\r\n:0\r\n:1\r\n", "~2\r\n:0\r\n:1\r\n"],
  ["a push", new PushReply(["a", 1]), "*2\r\n$1\r\na\r\n:1\r\n", ">2\r\n$1\r\na\r\n:1\r\n"],
  [
    "an attribute",
    new AttributeReply([["k", 9]], "v"),
    "$1\r\nv\r\n",
    "|1\r\n$1\r\nk\r\n:9\r\n$1\r\nv\r\n",
  ],
  ["no reply", noReply, "", ""],
])("%s", (_, reply, resp2, resp3) => {
  expect(encodeReply(reply, 2)).toBe(resp2);
  expect(encodeReply(reply, 3)).toBe(resp3);
});

it("everything in RESP2 is read back by redis-parser", () => {
  const replies: Reply[] = [
    ok,
    "\xe4\0\r\n",
    7,
    null,
    [1, ["a", null], nullArray],
    new MapReply([["k", ["v"]]]),
  ];
  const read: unknown[] = [];
  const parser = new RedisParser({
    returnReply: (reply: unknown) => read.push(latin1(reply)),
    returnError: (error) => expect.unreachable(error.message),
    returnBuffers: true,
  });
  for (const reply of replies) parser.execute(Buffer.from(encodeReply(reply, 2), "latin1"));
  expect(read).toEqual(["OK", "\xe4\0\r\n", 7, null, [1, ["a", null], null], ["k", ["v"]]]);
});

function latin1(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(latin1);
  return Buffer.isBuffer(reply) ? reply.toString("latin1") : reply;
}

describe("a line", () => {
  it("stays one line, whatever an error or a status carries", () => {
    expect(encodeReply(new ErrorReply("ERR a\r\nb\0c\r\n\n"), 2)).toBe("-ERR a  b c\r\n");
    expect(encodeReply(new SimpleString("a\r\nb\n"), 2)).toBe("+a  b \r\n");
  });

  it("of an error has a longest length", () => {
    const line = encodeReply(new ErrorReply(`ERR ${"x".repeat(2 * errorTextMax)}`), 2);
    expect(line.length).toBe(1 + errorTextMax + 2);
  });
});

describe("a reply buffer", () => {
  it("gives one string for what was appended, and then nothing", () => {
    const buffer = new ReplyBuffer();
    buffer.append(ok, 2);
    buffer.append(["a", null], 3);
    buffer.appendRaw(":1\r\n");
    const expected = "+OK\r\n*2\r\n$1\r\na\r\n_\r\n:1\r\n";
    expect(buffer.length).toBe(expected.length);
    expect(buffer.take()).toEqual([expected]);
    expect(buffer.length).toBe(0);
    expect(buffer.take()).toEqual([]);
  });

  it("gives pieces of bounded length, and their bytes are those of the reply", () => {
    const value = "v".repeat(outputPieceBytes / 8);
    const reply = Array.from({ length: 30 }, () => value);
    const buffer = new ReplyBuffer();
    buffer.append(reply, 2);
    const { length } = buffer;
    const pieces = buffer.take();
    expect(pieces.length).toBeGreaterThan(3);
    for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(outputPieceBytes);
    expect(length).toBe(pieces.reduce((sum, piece) => sum + piece.length, 0));
    const bulk = `$${value.length}\r\n${value}\r\n`;
    expect(pieces.join("") === `*30\r\n${bulk.repeat(30)}`).toBe(true);
  });

  it.each<[string, Reply, string]>([
    ["bulk string", "v".repeat(outputPieceBytes), `$${outputPieceBytes}\r\n`],
    [
      "verbatim string",
      new VerbatimReply("v".repeat(outputPieceBytes)),
      `=${outputPieceBytes + 4}\r\ntxt:`,
    ],
  ])(
    "never joins a huge %s with anything: together they might be too long a string",
    (_, reply, header) => {
      const buffer = new ReplyBuffer();
      buffer.append(1, 3);
      buffer.append(reply, 3);
      buffer.append(2, 3);
      const pieces = buffer.take();
      expect(pieces.map((piece) => piece.slice(0, 30))).toEqual([
        `:1\r\n${header}`,
        "v".repeat(30),
        "\r\n:2\r\n",
      ]);
      expect(pieces[1]?.length).toBe(outputPieceBytes);
    },
  );

  it("takes as many values as V8's longest string could never hold", () => {
    const value = "v".repeat(outputPieceBytes);
    const buffer = new ReplyBuffer();
    buffer.append(
      Array.from({ length: 40 }, () => value),
      2,
    );
    expect(buffer.length).toBeGreaterThan(2 ** 29);
    expect(buffer.take().length).toBeGreaterThan(40);
  });
});

describe("a long reply", () => {
  const items = Array.from({ length: 10_000 }, (_, at) => `item ${at}`);
  const long = new LongArray();
  for (const item of items) long.push(item);

  it("is encoded in parts, nested ones too", () => {
    const plainly = (reply: Reply): unknown => {
      if (reply instanceof LongArray) return items;
      return Array.isArray(reply) ? reply.map(plainly) : reply;
    };
    for (const reply of [long, ["0", long], [long, [long, null], 7]]) {
      const buffer = new ReplyBuffer();
      buffer.append(reply, 2);
      let parts = 0;
      let bytes = "";
      for (; buffer.hasMore; parts++) {
        buffer.encodeMore(20_000);
        const part = buffer.take().join("");
        expect(part.length).toBeLessThan(40_000);
        bytes += part;
      }
      expect(parts).toBeGreaterThan(4);
      const replies: unknown[] = [];
      const returnReply = (each: unknown) => replies.push(each);
      new RedisParser({ returnReply, returnError: returnReply }).execute(Buffer.from(bytes));
      expect(replies).toEqual([plainly(reply)]);
    }
  });

  it("is a plain one as long as it fits into one part", () => {
    const array = new LongArray();
    expect([array.length, array.reply]).toEqual([0, []]);
    for (let count = 1; count <= 2_500; count++) {
      array.push(count);
      expect(array.length).toBe(count);
      expect(Array.isArray(array.reply)).toBe(count <= 1_000);
    }
    expect(array.parts.flat()).toEqual(Array.from({ length: 2_500 }, (_, at) => at + 1));
  });

  it("keeps what is appended after it in order, each in its protocol", () => {
    const buffer = new ReplyBuffer();
    buffer.append(ok, 2);
    buffer.append(long, 2);
    buffer.append(null, 2);
    buffer.append(null, 3);
    expect(buffer.take().join("")).toBe("+OK\r\n");
    buffer.encodeMore(Number.POSITIVE_INFINITY);
    expect(buffer.hasMore).toBe(false);
    expect(buffer.take().join("")).toBe(`${encodeReply(long, 2)}$-1\r\n_\r\n`);
    buffer.append(7, 2);
    expect(buffer.take().join("")).toBe(":7\r\n");
  });
});
