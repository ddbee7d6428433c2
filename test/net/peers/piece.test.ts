import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  crcOf,
  encodeWhole,
  headBytes,
  isBulk,
  PieceDecoder,
  wholeFlags,
  writeCrc,
  writeHead,
} from "../../../src/net/peers/piece.ts";

interface Piece {
  readonly kind: number;
  readonly flags: number;
  readonly body: string;
}

function decode(chunks: readonly Buffer[], bodyBytesMax = 1 << 16) {
  const pieces: Piece[] = [];
  const decoder = new PieceDecoder(bodyBytesMax, (kind, flags, body) => {
    pieces.push({ kind, flags, body: body.toString("latin1") });
    return true;
  });
  let fault: string | null = null;
  for (const chunk of chunks) fault ??= decoder.push(chunk);
  return { pieces, fault, decoder };
}

const whole = (kind: number, body: string) => encodeWhole(kind, Buffer.from(body, "latin1"));
const piece = (kind: number, body: string) => ({ kind, flags: wholeFlags, body });

/** A head whose CRC fits, with one u32 changed, and nothing behind it. */
function head(offset: number, value: number): Buffer {
  const bytes = Buffer.alloc(headBytes);
  writeHead(bytes, 0, { kind: 1, flags: wholeFlags, bytes: 0, summed: 0 });
  bytes.writeUInt32LE(value, offset);
  writeCrc(bytes, 0, crcOf(bytes, 0, 0));
  return bytes;
}

describe("the wire format", () => {
  test("is CRC, bytes, summed bytes, group, kind and flags, little endian, then the body", () => {
    const rest = Buffer.from("\x05\0\0\0\x05\0\0\0\0\0\0\0\x07\x03hello", "latin1");
    const expected = Buffer.alloc(4);
    expected.writeUInt32LE(crc32(rest));
    expect(whole(7, "hello")).toEqual(Buffer.concat([expected, rest]));
  });

  test("tells urgent kinds, bulk kinds, and those of this layer", () => {
    expect([0, 0x7f, 0x80, 0xef, 0xf0, 0xff].map(isBulk)).toEqual([
      ...[false, false, true, true, false, false],
    ]);
  });
});

describe("the decoder", () => {
  test("reads the same pieces wherever the stream is split", () => {
    const frame = fc.record({
      kind: fc.integer({ min: 0, max: 255 }),
      body: fc.uint8Array({ maxLength: 300 }),
    });
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.infiniteStream(fc.nat(64)),
        (list, cuts) => {
          const stream = Buffer.concat(list.map(({ kind, body }) => encodeWhole(kind, body)));
          const chunks: Buffer[] = [];
          for (let at = 0; at < stream.length; ) {
            const size = 1 + (cuts.next().value ?? 0);
            chunks.push(stream.subarray(at, at + size));
            at += size;
          }
          const { pieces, fault, decoder } = decode(chunks);
          expect(fault).toBeNull();
          expect(decoder.heldBytes).toBe(0);
          expect(pieces).toEqual(
            list.map(({ kind, body }) => piece(kind, Buffer.from(body).toString("latin1"))),
          );
        },
      ),
    );
  });

  test("reads pieces split at each of their bytes, empty ones too", () => {
    const bytes = Buffer.concat([whole(1, "first"), whole(3, ""), whole(2, "second")]);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const { pieces } = decode([bytes.subarray(0, cut), bytes.subarray(cut)]);
      expect(pieces).toEqual([piece(1, "first"), piece(3, ""), piece(2, "second")]);
    }
    const { pieces } = decode([...bytes].map((byte) => Buffer.of(byte)));
    expect(pieces).toHaveLength(3);
  });

  test.each([
    ["a length above the limit", 4, 101, "a piece above the limit"],
    ["the largest length", 4, 0xffff_ffff, "a piece above the limit"],
    ["a sum over more than there is", 8, 1, "a sum over more than there is"],
    ["another group than 0", 12, 1, "a group that is not known"],
  ])("refuses %s, also when it comes byte by byte", (_name, offset, value, reason) => {
    const bytes = head(offset, value);
    expect(decode([bytes], 100).fault).toBe(reason);
    const single = [...bytes].map((byte) => Buffer.of(byte));
    expect(decode(single, 100).fault).toBe(reason);
  });

  test("waits for a body of the largest length", () => {
    expect(decode([head(4, 100)], 100).fault).toBeNull();
  });

  test("notices every flipped bit", () => {
    const bytes = whole(5, "precious");
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      // A flipped length may make it wait for bytes that come with the next piece.
      const { pieces, fault } = decode([damaged, Buffer.alloc(300)], 200);
      expect(pieces).toEqual([]);
      expect(fault).not.toBeNull();
    }
  });

  test("proves the head and the summed part of a body, and passes the rest as it is", () => {
    const bytes = whole(0x80, "summed|carries its own");
    const summed = 7;
    const length = bytes.length - headBytes;
    writeHead(bytes, 0, { kind: 0x80, flags: wholeFlags, bytes: length, summed });
    writeCrc(bytes, 0, crcOf(bytes, 0, summed));
    for (let at = 0; at < bytes.length; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt8(damaged.readUInt8(at) ^ 1, at);
      const { pieces } = decode([damaged, Buffer.alloc(100)]);
      expect(pieces).toHaveLength(at < headBytes + summed ? 0 : 1);
    }
  });

  test("takes nothing more after a fault", () => {
    const damaged = whole(1, "x");
    damaged.writeUInt8(damaged.readUInt8(headBytes) ^ 1, headBytes);
    const { pieces } = decode([damaged, whole(2, "y")]);
    expect(pieces).toEqual([]);
  });

  test("stops in the middle of a chunk when its listener has had enough", () => {
    const seen: number[] = [];
    const decoder = new PieceDecoder(100, (kind) => seen.push(kind) < 2);
    decoder.push(Buffer.concat([1, 2, 3].map((kind) => whole(kind, ""))));
    decoder.push(whole(4, ""));
    expect(seen).toEqual([1, 2]);
  });

  test("holds one piece at most, and nothing before its head has passed", () => {
    const before = process.memoryUsage().arrayBuffers;
    const decoders = Array.from({ length: 64 }, () => decode([head(4, 1 << 30)]).decoder);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    expect(decoders[0]?.heldBytes).toBe(0);
    const { decoder } = decode([Buffer.concat([head(4, 1 << 16), Buffer.alloc(1000)])]);
    expect(decoder.heldBytes).toBe(headBytes + 1000);
  });

  test("never throws on random bytes: it closes or waits", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
        const { pieces } = decode(chunks.map((chunk) => Buffer.from(chunk)));
        expect(pieces).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});
