import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame, encodeFrameHeader, FrameDecoder } from "../../../src/net/peers/frame.ts";

interface Frame {
  readonly kind: number;
  readonly body: string;
}

function decode(chunks: readonly Buffer[], lengthMax = 1 << 20) {
  const frames: Frame[] = [];
  const decoder = new FrameDecoder(lengthMax, (kind, body) => {
    frames.push({ kind, body: body.toString("latin1") });
    return true;
  });
  let fault: string | null = null;
  for (const chunk of chunks) fault ??= decoder.push(chunk);
  return { frames, fault, decoder };
}

const frameBytes = (kind: number, body: string) => encodeFrame(kind, Buffer.from(body, "latin1"));

describe("the wire format", () => {
  test("is length, CRC-32 of kind and body, kind, body, all big-endian", () => {
    const checked = Buffer.from("\x07hello", "latin1");
    const expected = Buffer.alloc(8);
    expected.writeUInt32BE(6, 0);
    expected.writeUInt32BE(crc32(checked), 4);
    expect(frameBytes(7, "hello")).toEqual(Buffer.concat([expected, checked]));
  });

  test("a header over several parts is the header over their concatenation", () => {
    const parts = ["ab", "", "cde"].map((text) => Buffer.from(text));
    expect(encodeFrameHeader(3, parts)).toEqual(encodeFrameHeader(3, [Buffer.from("abcde")]));
  });
});

describe("the decoder", () => {
  test("reads the same frames wherever the stream is split", () => {
    const frame = fc.record({
      kind: fc.integer({ min: 0, max: 255 }),
      body: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.infiniteStream(fc.nat(64)),
        (list, cuts) => {
          const stream = Buffer.concat(list.map(({ kind, body }) => encodeFrame(kind, body)));
          const chunks: Buffer[] = [];
          for (let at = 0; at < stream.length; ) {
            const size = 1 + (cuts.next().value ?? 0);
            chunks.push(stream.subarray(at, at + size));
            at += size;
          }
          const { frames, fault, decoder } = decode(chunks);
          expect(fault).toBeNull();
          expect(decoder.pendingBytes).toBe(0);
          const wanted = list.map(({ kind, body }) => ({
            kind,
            body: Buffer.from(body).toString("latin1"),
          }));
          expect(frames).toEqual(wanted);
        },
      ),
    );
  });

  test("reads a frame split at each of its bytes", () => {
    const bytes = Buffer.concat([frameBytes(1, "first"), frameBytes(2, "second")]);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { frames } = decode([bytes.subarray(0, cut), bytes.subarray(cut)]);
      expect(frames).toEqual([
        { kind: 1, body: "first" },
        { kind: 2, body: "second" },
      ]);
    }
  });

  test("refuses a length of 0, above the limit, and the largest there is", () => {
    const length = (value: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(value);
      return bytes;
    };
    expect(decode([length(0)]).fault).toBe("a frame without a kind");
    expect(decode([length(101)], 100).fault).toBe("a frame above the limit");
    expect(decode([length(100)], 100).fault).toBeNull();
    expect(decode([length(0xffff_ffff)]).fault).toBe("a frame above the limit");
    const split = [length(0xffff_ffff).subarray(0, 1), length(0xffff_ffff).subarray(1)];
    expect(decode(split).fault).toBe("a frame above the limit");
  });

  test("notices every flipped bit", () => {
    const bytes = frameBytes(5, "precious");
    for (let bit = 32; bit < bytes.length * 8; bit += 1) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const { frames, fault } = decode([damaged]);
      expect(frames).toEqual([]);
      expect(fault).toBe("a wrong checksum");
    }
  });

  test("takes nothing more after a fault", () => {
    const damaged = frameBytes(1, "x");
    damaged.writeUInt8(damaged.readUInt8(9) ^ 1, 9);
    const { frames } = decode([damaged, frameBytes(2, "y")]);
    expect(frames).toEqual([]);
  });

  test("stops in the middle of a chunk when its listener has had enough", () => {
    const seen: number[] = [];
    const decoder = new FrameDecoder(100, (kind) => seen.push(kind) < 2);
    decoder.push(Buffer.concat([1, 2, 3].map((kind) => frameBytes(kind, ""))));
    decoder.push(frameBytes(4, ""));
    expect(seen).toEqual([1, 2]);
  });

  test("holds what has arrived of a frame, not what its length claims", () => {
    const claimed = 1 << 30;
    const header = Buffer.alloc(4);
    header.writeUInt32BE(claimed);
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 64 }, () => decode([header], claimed + 1).decoder);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    for (const decoder of decoders) decoder.push(Buffer.alloc(1000));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    expect(decoders[0]?.pendingBytes).toBe(1004);
  });

  test("never throws on random bytes: it closes or waits", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
        const { frames } = decode(chunks.map((chunk) => Buffer.from(chunk)));
        expect(frames).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});
