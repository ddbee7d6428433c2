// Replies read back: for the command line and between nodes.

import { describe, expect, it } from "vitest";
import { encodeReply } from "../../src/resp/encode-reply.ts";
import { ErrorReply, ok, type Reply, SimpleString } from "../../src/resp/reply.ts";
import { ReplyDecoder } from "../../src/resp/reply-decoder.ts";
import { byteByByte, bytesOf } from "../support/resp-decoding.ts";

function decode(chunks: Iterable<Buffer>) {
  const replies: Reply[] = [];
  const failures: Error[] = [];
  const decoder = new ReplyDecoder(
    (reply) => replies.push(reply),
    (error) => failures.push(error),
  );
  for (const chunk of chunks) decoder.push(chunk);
  return { replies, failures: failures.length };
}

const replies: readonly Reply[] = [
  ok,
  "",
  "\xff\r\n+OK\r\n",
  0,
  -10,
  9007199254740991,
  9223372036854775807n,
  -9223372036854775808n,
  null,
  new ErrorReply("ERR no"),
  [],
  ["a", 1, null, [[], ["b"]], new ErrorReply("ERR in an array")],
  new SimpleString("PONG"),
  "x".repeat(5000),
];
const text = replies.map((reply) => encodeReply(reply, 2)).join("");

describe("replies come back as the values that they were", () => {
  it("whole", () => expect(decode([bytesOf(text)]).replies).toEqual(replies));
  it("byte by byte", () => expect(decode(byteByByte(text)).replies).toEqual(replies));
  it("cut once, anywhere", () => {
    const bytes = bytesOf(text.slice(0, 300));
    const all = decode([bytes]).replies;
    for (let cut = 1; cut < bytes.length; cut++) {
      const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
      expect(decode(chunks).replies, `cut at ${cut}`).toEqual(all);
    }
  });
});

it("a simple string within an array is a plain string", () => {
  expect(decode([bytesOf("*2\r\n+a\r\n*-1\r\n+b\r\n")]).replies).toEqual([
    ["a", null],
    new SimpleString("b"),
  ]);
});

it.each([
  "hello\r\n",
  "*999999999999\r\n",
  "*16777217\r\n",
  "$999999999\r\n",
  "$x\r\n",
  "*\r\n",
  "$11111111111111111111",
  "*1\r\n?\r\n",
])("%j is no reply: one error, and the rest is ignored", (wire) => {
  const { replies: read, failures } = decode([bytesOf(`+OK\r\n${wire}`), bytesOf("+OK\r\n")]);
  expect(failures).toBe(1);
  expect(read.length).toBeLessThanOrEqual(1);
});
