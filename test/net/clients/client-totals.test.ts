// What all clients together may leave unread or send in part, on real sockets and with small limits.

import { expect, it, vi } from "vitest";
import { inputPatienceMs, smallReplyBytes, unreadRepliesMs } from "../../../src/constants.ts";
import { InputTotal } from "../../../src/net/clients/input-total.ts";
import { ReplyTotal } from "../../../src/net/clients/reply-total.ts";
import { Door } from "../../support/client-door.ts";
import { encodeRequest, type RawClient } from "../../support/raw-client.ts";

const unit = 256 * 1024;
const large = "x".repeat(16 * unit);
const largeReply = `$${large.length}\r\n${large}\r\n`;
const echo = encodeRequest(["ECHO", large]);
const small = "x".repeat(2 * smallReplyBytes);

/** A client that asks for a large reply and reads none of it. */
async function unreading(door: Door): Promise<RawClient> {
  const client = await door.client();
  client.pauseReading();
  client.write(echo);
  return client;
}

/** What the kernel takes it has taken. */
async function settled(replies: ReplyTotal): Promise<void> {
  for (let before = -1; before !== replies.bytes; ) {
    before = replies.bytes;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

it("while replies are too many, a larger reply waits and small ones do not", async () => {
  const replies = new ReplyTotal({ pauseBytes: 8 * unit, bytesMax: 1024 * unit });
  const door = new Door({}, { replies });
  const silent = await unreading(door);
  await vi.waitUntil(() => replies.isCrowded);
  const other = await door.client();
  other.send(["ECHO", "small"], ["ECHO", small], ["ECHO", "after"]);
  expect(String(await other.replies(1))).toBe("$5\r\nsmall\r\n");
  door.listener.sweep();
  expect(await other.drain(50)).toHaveLength(0);
  silent.resumeReading();
  expect((await silent.replies(1))[0]?.equals(Buffer.from(largeReply))).toBe(true);
  expect(replies.isCrowded).toBe(false);
  door.listener.sweep();
  expect(Buffer.concat(await other.replies(2)).toString()).toBe(
    `$${small.length}\r\n${small}\r\n$5\r\nafter\r\n`,
  );
});

it("while replies are too many, a client that reads none of its own is closed in time", async () => {
  const replies = new ReplyTotal({ pauseBytes: 8 * unit, bytesMax: 1024 * unit });
  const door = new Door({}, { replies });
  await unreading(door);
  await vi.waitUntil(() => replies.isCrowded);
  await settled(replies);
  await door.pass(unreadRepliesMs);
  expect(door.listener.connectionCount).toBe(1);
  await door.pass(1);
  expect([door.listener.connectionCount, replies.bytes]).toEqual([0, 0]);
});

it("when replies are far too many, the client with the most of them is closed, and no other", async () => {
  const replies = new ReplyTotal({ pauseBytes: 20 * unit, bytesMax: 25 * unit });
  const door = new Door({}, { replies });
  const [first, second] = [await door.client(), await door.client()];
  for (const client of [first, second]) client.pauseReading();
  second.write(encodeRequest(["ECHO", "x"]).repeat(2) + echo);
  await vi.waitUntil(() => replies.bytes > unit);
  await settled(replies);
  first.write(encodeRequest(["ECHO", "x".repeat(20 * unit)]));
  await vi.waitUntil(() => door.listener.connectionCount === 1);
  expect(replies.bytes).toBeLessThanOrEqual(25 * unit);
  second.resumeReading();
  expect((await second.replies(3))[2]?.equals(Buffer.from(largeReply))).toBe(true);
});

/** Waits for a reply while the listener looks after its clients. */
async function replyBytes(door: Door, client: RawClient): Promise<number> {
  const reply = client.replies(1, 20_000).then(([bytes]) => bytes?.length ?? 0);
  for (;;) {
    door.listener.sweep();
    const bytes = await Promise.race([reply, door.turn()]);
    if (typeof bytes === "number") return bytes;
  }
}

it("while input is too much, one large request goes on, and then the next", async () => {
  const input = new InputTotal({ bytesMax: 8 * unit, smallBytes: 16 * 1024, patienceMs: 1e9 });
  const door = new Door({}, { input });
  const many = await door.clients(4);
  for (const client of many) client.write(echo);
  await vi.waitUntil(() => input.isHolding);
  const other = await door.client();
  expect(await other.ask("ECHO", "small")).toBe("$5\r\nsmall\r\n");
  for (const client of many) {
    expect(await replyBytes(door, client)).toBe(largeReply.length);
  }
  expect(input.isHolding).toBe(false);
  expect(input.bytes).toBeLessThan(unit);
});

it("while input is too much and nothing is completed, the client with the most is closed", async () => {
  const input = new InputTotal({
    bytesMax: 8 * unit,
    smallBytes: 16 * 1024,
    patienceMs: inputPatienceMs,
  });
  const door = new Door({}, { input });
  const [most, less] = await door.clients(2);
  less?.write(echo.slice(0, 3 * unit));
  await vi.waitUntil(() => input.bytes > 2 * unit);
  most?.write(echo.slice(0, 7 * unit));
  await vi.waitUntil(() => input.isHolding);
  door.listener.sweep();
  await vi.waitUntil(() => input.bytes > 9 * unit);
  less?.write(echo.slice(3 * unit, 4 * unit));
  await vi.waitUntil(() => input.isHolding);
  await door.pass(inputPatienceMs + 1);
  await most?.closed;
  expect(door.listener.connectionCount).toBe(1);
  less?.write(echo.slice(4 * unit));
  expect(await replyBytes(door, less as RawClient)).toBe(largeReply.length);
});
