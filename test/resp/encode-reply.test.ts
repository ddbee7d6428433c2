// Every kind of reply on the wire of both protocols, as Redis 7.0.15 writes it.

import fc from "fast-check";
import RedisParser from "redis-parser";
import { describe, expect, it } from "vitest";
import { unreachable } from "../../src/assert.ts";
import { errorTextMax, outputPieceBytes } from "../../src/constants.ts";
import { encodeReply, ReplyBuffer } from "../../src/resp/encode-reply.ts";
import {
  AttributeReply,
  BigNumberReply,
  BooleanReply,
  costOf,
  DoubleReply,
  type Entry,
  ErrorReply,
  LongArray,
  MapReply,
  noReply,
  nullArray,
  ok,
  PairsReply,
  type Protocol,
  PushReply,
  plain,
  type Reply,
  SetReply,
  SimpleString,
  type Some,
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
  [
    "pairs",
    new PairsReply([
      ["a", new DoubleReply(1)],
      ["b", new DoubleReply(2.5)],
    ]),
    "*4\r\n$1\r\na\r\n$1\r\n1\r\n$1\r\nb\r\n$3\r\n2.5\r\n",
    "*2\r\n*2\r\n$1\r\na\r\n,1\r\n*2\r\n$1\r\nb\r\n,2.5\r\n",
  ],
  ["no pairs", new PairsReply([]), "*0\r\n", "*0\r\n"],
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

/** Every piece that a buffer gives, until it is empty. */
function pieces(buffer: ReplyBuffer): string[] {
  const all: string[] = [];
  while (!buffer.isEmpty) all.push(buffer.take());
  expect([buffer.length, buffer.take()]).toEqual([0, ""]);
  return all;
}

describe("a reply buffer", () => {
  it("gives one string for what was appended, and then nothing", () => {
    const buffer = new ReplyBuffer();
    buffer.append(ok, 2);
    buffer.append(["a", null], 3);
    buffer.append(1, 3);
    const expected = "+OK\r\n*2\r\n$1\r\na\r\n_\r\n:1\r\n";
    expect(buffer.length).toBe(expected.length);
    expect(pieces(buffer)).toEqual([expected]);
  });

  it("counts a reply from the moment it is appended until it is taken", () => {
    const value = "v".repeat(4 * outputPieceBytes);
    const long = new LongArray();
    for (let count = 0; count < 5_000; count++) long.push(value);
    const buffer = new ReplyBuffer();
    buffer.append(long, 2);
    expect(buffer.length).toBeGreaterThan(5_000 * value.length);
    buffer.append(value, 2);
    buffer.append(new SetReply([value, long]), 3);
    expect(buffer.length).toBeGreaterThan(2 * 5_000 * value.length + 2 * value.length);
    const bytes = pieces(buffer).reduce((sum, piece) => sum + piece.length, 0);
    expect(bytes).toBeGreaterThan(2 * 5_000 * value.length + 2 * value.length);
  });

  it.each<[string, Reply, string]>([
    ["bulk string", "v".repeat(3 * outputPieceBytes), `$${3 * outputPieceBytes}\r\n`],
    [
      "verbatim string",
      new VerbatimReply("v".repeat(3 * outputPieceBytes)),
      `=${3 * outputPieceBytes + 4}\r\ntxt:`,
    ],
    [
      "array of strings",
      Array.from({ length: 30 }, () => "v".repeat(outputPieceBytes / 8)),
      `*30\r\n$${outputPieceBytes / 8}\r\n`,
    ],
  ])("gives a huge %s in pieces of bounded length, in order", (_, reply, header) => {
    const buffer = new ReplyBuffer();
    buffer.append(1, 3);
    buffer.append(reply, 3);
    buffer.append(2, 3);
    const all = pieces(buffer);
    expect(all.length).toBeGreaterThan(2);
    for (const piece of all) expect(piece.length).toBeLessThan(2 * outputPieceBytes);
    const bytes = all.join("");
    expect(bytes.startsWith(`:1\r\n${header}vvv`)).toBe(true);
    expect(bytes === `:1\r\n${encodeReply(reply, 3)}:2\r\n`).toBe(true);
  });

  it("takes as many values as V8's longest string could never hold", () => {
    const value = "v".repeat(16 * 1024 * 1024);
    const values = Array.from({ length: 40 }, () => value);
    const buffer = new ReplyBuffer();
    buffer.append(values, 2);
    expect(buffer.length).toBeGreaterThan(2 ** 29);
    const bytes = pieces(buffer).reduce((sum, piece) => sum + piece.length, 0);
    expect(bytes).toBe(5 + 40 * (11 + value.length + 2));
  });
});

describe("a long reply", () => {
  const long = new LongArray();
  for (let at = 0; at < 10_000; at++) long.push(`item ${at}`);

  it("is a plain one as long as it fits into one part", () => {
    const array = new LongArray();
    expect([array.length, array.reply]).toEqual([0, []]);
    for (let count = 1; count <= 2_500; count++) {
      array.push(count);
      expect(array.length).toBe(count);
      expect(Array.isArray(array.reply)).toBe(count <= 1_000);
    }
    expect(plain(array)).toEqual(Array.from({ length: 2_500 }, (_, at) => at + 1));
  });

  it("keeps what is appended after it in order, each in its protocol", () => {
    const buffer = new ReplyBuffer(20_000);
    buffer.append(ok, 2);
    buffer.append(long, 2);
    buffer.append(null, 2);
    const first = buffer.take();
    expect(first.length).toBeLessThan(20_100);
    expect(buffer.isEmpty).toBe(false);
    buffer.append(null, 3);
    const rest = pieces(buffer);
    expect(rest.length).toBeGreaterThan(4);
    expect(first + rest.join("")).toBe(`+OK\r\n${encodeReply(long, 2)}$-1\r\n_\r\n`);
    buffer.append(7, 2);
    expect(pieces(buffer)).toEqual([":7\r\n"]);
  });

  it("costs what its items cost, however it is put together", () => {
    const items = Array.from({ length: 10_000 }, (_, at) => `item ${at}`);
    expect(long.cost).toBe(costOf(items));
    expect(costOf(new SetReply(long))).toBe(costOf(new SetReply(items)));
    expect(costOf([long, long])).toBe(costOf([items, items]));
  });
});

/** The same items, plain or long. */
const some = <Item extends Reply>(items: fc.Arbitrary<Item[]>): fc.Arbitrary<Some<Item>> =>
  fc.tuple(items, fc.boolean()).map(([list, isLong]) => {
    if (!isLong) return list;
    const long = new LongArray<Item>();
    for (const item of list) long.push(item);
    return long;
  });

const { reply: anyReply } = fc.letrec<{ reply: Reply; items: Reply[]; entries: Entry[] }>(
  (tie) => ({
    reply: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.string({ unit: "binary-ascii", maxLength: 40 }),
      fc.integer(),
      fc.constantFrom(null, ok, nullArray, new BooleanReply(true), new DoubleReply(1.5)),
      fc.string({ unit: "binary-ascii", maxLength: 40 }).map((text) => new VerbatimReply(text)),
      fc.string({ maxLength: 9 }).map((text) => new ErrorReply(`ERR ${text}`)),
      some(tie("items")),
      some(tie("items")).map((items) => new SetReply(items)),
      some(tie("entries")).map((entries) => new MapReply(entries)),
      some(tie("entries")).map((entries) => new PairsReply(entries)),
      fc
        .tuple(some(tie("entries")), tie("reply"))
        .map(([of, reply]) => new AttributeReply(of, reply)),
    ),
    items: fc.array(tie("reply"), { maxLength: 6 }),
    entries: fc.array(fc.tuple(tie("reply"), tie("reply")), { maxLength: 4 }),
  }),
);

describe("any replies", () => {
  it("have the same bytes in steps as at once, and never cost less than these", () => {
    fc.assert(
      fc.property(
        fc.array(anyReply, { maxLength: 5 }),
        fc.constantFrom<Protocol>(2, 3),
        fc.integer({ min: 1, max: 200 }),
        (replies, protocol, pieceBytes) => {
          const buffer = new ReplyBuffer(pieceBytes);
          let expected = "";
          for (const reply of replies) {
            const atOnce = encodeReply(reply, protocol);
            expect(costOf(reply)).toBeGreaterThanOrEqual(atOnce.length);
            expected += atOnce;
            buffer.append(reply, protocol);
          }
          const all = pieces(buffer);
          expect(all.join("")).toBe(expected);
          for (const piece of all) expect(piece.length).toBeLessThanOrEqual(2 * pieceBytes + 64);
        },
      ),
    );
  });

  it("are as many and as deep as a parser of RESP2 finds them", () => {
    fc.assert(
      fc.property(anyReply, (reply) => {
        const buffer = new ReplyBuffer(16);
        buffer.append(reply, 2);
        const found: unknown[] = [];
        const note = (each: unknown) => found.push(each);
        new RedisParser({ returnReply: note, returnError: note }).execute(
          Buffer.from(pieces(buffer).join(""), "latin1"),
        );
        expect(found.map(shape)).toEqual([shapeInResp2(reply)]);
      }),
    );
  });
});

/** Lengths and nesting of arrays; anything else is one word. */
const shape = (found: unknown): unknown => (Array.isArray(found) ? found.map(shape) : "item");

function shapeInResp2(reply: Reply): unknown {
  if (typeof reply !== "object" || reply === null) return "item";
  if (!("type" in reply)) return reply.map(shapeInResp2);
  switch (reply.type) {
    case "long-array":
      return plain(reply).map(shapeInResp2);
    case "set":
      return plain(reply.items).map(shapeInResp2);
    case "map":
    case "pairs":
      return plain(reply.entries).flat().map(shapeInResp2);
    case "attribute":
      return shapeInResp2(reply.reply);
    case "push":
      return plain(reply.items).map(shapeInResp2);
    case "simple":
    case "error":
    case "double":
    case "boolean":
    case "big-number":
    case "verbatim":
    case "null-array":
    case "none":
      return "item";
    default:
      return unreachable(reply);
  }
}
