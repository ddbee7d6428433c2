// One wire example, read whole, byte by byte, and cut at every place.

import { describe, expect, it } from "vitest";
import type { RequestLimits } from "../../src/resp/request-limits.ts";
import { byteByByte, bytesOf, decodeChunks, usualLimits } from "./resp-decoding.ts";

export interface WireExample {
  readonly wire: string;
  readonly requests: readonly (readonly string[])[];
  /** Text of the protocol error, or "silent"; none when left out. */
  readonly end?: string;
  readonly limits?: Partial<RequestLimits>;
}

export function wireExample(title: string, example: WireExample): void {
  const limits = { ...usualLimits, ...example.limits };
  const expected = { requests: example.requests, end: example.end ?? null };
  const bytes = bytesOf(example.wire);
  const decode = (chunks: Iterable<Buffer>) => {
    const { requests, end } = decodeChunks(chunks, limits);
    return { requests, end };
  };
  describe(title, () => {
    it("whole", () => expect(decode([bytes])).toEqual(expected));
    it("byte by byte", () => expect(decode(byteByByte(example.wire))).toEqual(expected));
    it("cut once, anywhere", () => {
      for (let cut = 1; cut < bytes.length; cut++) {
        const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
        expect(decode(chunks), `cut at ${cut}`).toEqual(expected);
      }
    });
  });
}
