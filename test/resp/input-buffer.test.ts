// What decoding costs: bytes are copied a bounded number of times, and little keeps little alive.

import { describe, expect, it } from "vitest";
import { RequestDecoder } from "../../src/resp/request-decoder.ts";
import { bytesOf, usualLimits, wire } from "../support/resp-decoding.ts";

const KiB = 1024;
const limits = {
  ...usualLimits,
  bulkBytes: 64 * KiB * KiB,
  words: KiB * KiB,
  requestBytes: 256 * KiB * KiB,
};

/** Sends the bytes in chunks of one size; returns the requests met and how often a byte was copied. */
function send(bytes: Buffer, chunkBytes: number) {
  const decoder = new RequestDecoder({ ...limits });
  let requests = 0;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    decoder.push(Buffer.from(bytes.subarray(at, at + chunkBytes)));
    while (decoder.next()) requests++;
    decoder.release();
  }
  return { decoder, requests, copies: decoder.bytesCopied / bytes.length };
}

describe("copying", () => {
  it("is none for requests that arrive whole", () => {
    expect(send(bytesOf(wire("PING").repeat(100)), 14 * 100)).toMatchObject({
      requests: 100,
      copies: 0,
    });
  });

  it.each([
    [64 * KiB, 2.01],
    [4 * KiB, 2.01],
    [100, 2.1],
  ])(
    "of one large word that arrives in chunks of %i bytes happens about %f times",
    (chunk, most) => {
      const sent = send(bytesOf(wire("SET", "k", "x".repeat(4 * KiB * KiB))), chunk);
      expect(sent.requests).toBe(1);
      expect(sent.copies).toBeLessThan(most);
    },
  );

  it.each([64 * KiB, 1000, 7, 1])(
    "of a request of many words is linear: chunks of %i bytes",
    (chunk) => {
      const words = Array.from({ length: 20_000 }, (_, at) => `word ${at}`);
      const sent = send(bytesOf(wire(...words)), chunk);
      expect(sent.requests).toBe(1);
      expect(sent.copies).toBeLessThan(5);
    },
  );

  it.each([64 * KiB, 1000, 7, 1])("of a pipeline is linear: chunks of %i bytes", (chunk) => {
    const sent = send(bytesOf(wire("SET", "key", "x".repeat(50)).repeat(5000)), chunk);
    expect(sent.requests).toBe(5000);
    expect(sent.copies).toBeLessThan(5);
  });

  it("of chunks that are large and tiny in turn is linear", () => {
    const bytes = bytesOf(wire("SET", "k", "x".repeat(1024 * KiB)));
    const decoder = new RequestDecoder({ ...limits });
    let requests = 0;
    for (let at = 0; at < bytes.length; ) {
      for (const size of [1, 2000]) {
        decoder.push(Buffer.from(bytes.subarray(at, at + size)));
        at += size;
        while (decoder.next()) requests++;
        decoder.release();
      }
    }
    expect(requests).toBe(1);
    expect(decoder.bytesCopied / bytes.length).toBeLessThan(3);
  });
});

describe("memory", () => {
  it("of a large chunk is let go when a small part of a request is left over", () => {
    const text = wire("SET", "k", "x".repeat(512 * KiB)) + wire("GET", "abc").slice(0, 20);
    const { decoder } = send(bytesOf(text), text.length);
    expect(decoder.bufferedBytes).toBe(20);
    expect(decoder.buffer.buffer.byteLength).toBeLessThan(16 * KiB);
    decoder.push(bytesOf(wire("GET", "abc").slice(20)));
    expect(decoder.next()).toBe(true);
    expect(decoder.words()).toEqual(["GET", "abc"]);
  });

  it("of everything is let go when nothing is left over", () => {
    const { decoder } = send(bytesOf(wire("SET", "k", "x".repeat(64 * KiB))), KiB);
    expect(decoder.buffer.length).toBe(0);
  });

  it("is not taken for a claim: neither for words nor for bytes", () => {
    const { decoder } = send(bytesOf(`*${KiB * KiB}\r\n$${64 * KiB * KiB}\r\n`), 5);
    expect(decoder.buffer.buffer.byteLength).toBeLessThan(16 * KiB);
  });
});
