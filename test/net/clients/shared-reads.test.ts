// All clients are read into one buffer: what one of them has sent is not mixed with what others send.

import { expect, it, onTestFinished, vi } from "vitest";
import { inputPauseBytes, sharedReadBytes } from "../../../src/constants.ts";
import { createServer } from "../../../src/create-server.ts";
import { encodeRequest, RawClient } from "../../support/raw-client.ts";

const pong = "+PONG\r\n";
const ping = encodeRequest(["PING"]);

async function clients(count: number): Promise<RawClient[]> {
  const server = await createServer({ logLevel: "silent" });
  onTestFinished(() => server.close());
  const connecting = Array.from({ length: count }, () =>
    RawClient.connect(server.port, server.host),
  );
  const all = await Promise.all(connecting);
  onTestFinished(() => {
    for (const each of all) each.close();
  });
  return all;
}

async function client(): Promise<RawClient> {
  return (await clients(1))[0] as RawClient;
}

/** Sends a request and the beginning of another one; when it is answered, both have been read. */
async function sendWithPing(to: RawClient, bytes: string): Promise<void> {
  to.write(ping + bytes);
  expect(String(await to.replies(1))).toBe(pong);
}

it("a request that is cut anywhere is whole although others were read between its parts", async () => {
  const [cutUp, other] = (await clients(2)) as [RawClient, RawClient];
  const request = encodeRequest(["ECHO", "a\r\nb"]) + encodeRequest(["SET", "key", "value"]);
  for (let cut = 1; cut < request.length; cut++) {
    await sendWithPing(cutUp, request.slice(0, cut));
    await sendWithPing(other, "");
    cutUp.write(request.slice(cut));
    const answers = Buffer.concat(await cutUp.replies(2)).toString();
    expect(answers, `cut at ${cut}`).toBe("$4\r\na\r\nb\r\n+OK\r\n");
  }
});

it("many clients that all send halves of requests in turn get what each has asked for", async () => {
  const many = await clients(40);
  const value = (at: number, part: number): string => `${at}:${part}`.repeat(4000 + at);
  for (const [at, each] of many.entries()) {
    const request = encodeRequest(["SET", `key:${at}`, value(at, 1) + value(at, 2)]);
    await sendWithPing(each, request.slice(0, request.length / 2));
  }
  for (const [at, each] of many.entries()) {
    const request = encodeRequest(["SET", `key:${at}`, value(at, 1) + value(at, 2)]);
    each.write(request.slice(request.length / 2) + encodeRequest(["GET", `key:${at}`]));
  }
  for (const [at, each] of many.entries()) {
    const got = value(at, 1) + value(at, 2);
    const answers = Buffer.concat(await each.replies(2)).toString();
    expect(answers).toBe(`+OK\r\n$${got.length}\r\n${got}\r\n`);
  }
});

it("words larger than the buffer arrive whole from clients that send at the same time", async () => {
  const many = await clients(4);
  const value = (at: number): string => String.fromCharCode(97 + at).repeat(5 * sharedReadBytes);
  for (const [at, each] of many.entries()) each.send(["ECHO", value(at)]);
  for (const [at, each] of many.entries()) {
    expect(String(await each.replies(1)) === `$${value(at).length}\r\n${value(at)}\r\n`).toBe(true);
  }
});

it("a client that closes its sending half gets every reply, and then the end", async () => {
  const halfClosed = await client();
  halfClosed.send(["SET", "a", "1"], ["GET", "a"], ["SAVE"], ["PING"]);
  halfClosed.end();
  await halfClosed.closed;
  expect(halfClosed.received.toString()).toBe("+OK\r\n$1\r\n1\r\n+OK\r\n+PONG\r\n");
});

it("a client that has to wait is read no further, and goes on where it was", async () => {
  const [waiting, other] = (await clients(2)) as [RawClient, RawClient];
  await waiting.command("CLIENT", "SETNAME", "waiting");
  await other.command("CLIENT", "PAUSE", "100000", "WRITE");
  const count = Math.ceil((8 * inputPauseBytes) / 1000);
  for (let at = 0; at < count; at++) waiting.send(["APPEND", "key", "x".repeat(1000)]);
  const unread = async (): Promise<number> => {
    const list = await other.ask("CLIENT", "LIST");
    return Number(/name=waiting .*qbuf=(\d+)/.exec(list)?.[1]);
  };
  await vi.waitUntil(async () => (await unread()) > inputPauseBytes, 10_000);
  for (let look = 0; look < 20; look++) await other.command("PING");
  expect(await unread()).toBeLessThanOrEqual(inputPauseBytes + sharedReadBytes);
  await other.command("CLIENT", "UNPAUSE");
  const replies = await waiting.replies(count);
  const lengths = replies.map((_, at) => `:${1000 * (at + 1)}\r\n`);
  expect(replies.map(String)).toEqual(lengths);
});
