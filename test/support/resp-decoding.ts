// Drives the request decoder through chunks and says what it made of them.

import { RequestDecoder } from "../../src/resp/request-decoder.ts";
import type { RequestLimits } from "../../src/resp/request-limits.ts";
import type { Decoded } from "./resp-plain-decoder.ts";

export const usualLimits: RequestLimits = {
  bulkBytes: 1024 * 1024,
  words: 1024,
  inlineBytes: 64 * 1024,
  requestBytes: 4 * 1024 * 1024,
  authenticated: true,
};

/**
 * Every request of the chunks, asked for as soon as each chunk has arrived. All chunks come in one buffer,
 * as they do from sockets: whoever keeps a reference to it decodes nonsense.
 */
export function decodeChunks(
  chunks: Iterable<Buffer>,
  limits: RequestLimits = usualLimits,
): Decoded & { readonly decoder: RequestDecoder } {
  const decoder = new RequestDecoder({ ...limits });
  const requests: string[][] = [];
  const raw: string[] = [];
  let shared: Buffer = Buffer.alloc(0);
  for (const chunk of chunks) {
    if (chunk.length > shared.length) shared = Buffer.alloc(chunk.length);
    chunk.copy(shared);
    decoder.push(shared.subarray(0, chunk.length));
    while (decoder.next()) {
      requests.push(decoder.words());
      raw.push(decoder.buffer.toString("latin1", decoder.start, decoder.end));
    }
    decoder.release();
    shared.fill("?");
  }
  const end = decoder.silentClose ? "silent" : (decoder.failure?.text ?? null);
  return { requests, raw, end, decoder };
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1");

/** One chunk for each byte, each with memory of its own, as a slow socket gives them. */
export function* byteByByte(text: string): Generator<Buffer> {
  for (const char of text) yield bytesOf(char);
}

/** A request as clients send it: an array of bulk strings. */
export function wire(...words: readonly string[]): string {
  const bulks = words.map((word) => `$${word.length}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulks.join("")}`;
}
