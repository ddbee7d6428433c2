import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { peerWindowShare } from "../../../src/constants.ts";
import { BulkQueue } from "../../../src/net/peers/bulk-queue.ts";
import { FrameAssembly } from "../../../src/net/peers/frame-assembly.ts";
import { headBytes, PieceDecoder } from "../../../src/net/peers/piece.ts";
import { PieceWriter } from "../../../src/net/peers/piece-writer.ts";
import { memorySocket } from "./support.ts";

const piece = 1000;
const limits = { pieceBytesMax: piece, windowBytes: 4 * (piece + headBytes), queueBytesMax: 5000 };

/** A queue whose pieces are read as a receiver would. */
class Line {
  readonly #socket = memorySocket();
  readonly writer = new PieceWriter(this.#socket.socket);
  readonly queue: BulkQueue;
  readonly frames: { kind: number; body: Buffer }[] = [];
  readonly pieces: number[] = [];
  taken = 0;
  #told = 0;
  readonly #windowBytes: number;
  readonly #assembly: FrameAssembly;
  readonly #decoder: PieceDecoder;

  constructor(some: Partial<typeof limits> = {}) {
    const all = { ...limits, ...some };
    this.queue = new BulkQueue(this.writer, all);
    this.#windowBytes = all.windowBytes;
    this.#assembly = new FrameAssembly({ ...all, frameBytesMax: 1 << 20 });
    this.#decoder = new PieceDecoder(all.pieceBytesMax, (kind, flags, body) => {
      this.pieces.push(body.length);
      this.taken += headBytes + body.length;
      const frame = this.#assembly.add(kind, flags, body);
      if (typeof frame === "string") throw new Error(frame);
      if (frame !== null) this.frames.push({ kind, body: Buffer.from(frame) });
      return true;
    });
  }

  send(kind: number, ...parts: readonly Buffer[]): boolean {
    const bytes = parts.reduce((sum, part) => sum + part.length, 0);
    return this.queue.add(kind, parts, bytes, bytes);
  }

  /** What has left reaches the receiver; it says nothing. */
  arrive(): void {
    this.writer.flush();
    for (const bytes of this.#socket.writes.splice(0)) {
      if (this.#decoder.push(bytes) !== null) throw new Error("a piece that cannot be read");
    }
  }

  /** Goes on until nothing waits. The receiver speaks when it has taken its share of the window, and not before. */
  drain(): void {
    this.arrive();
    while (this.queue.waitingBytes > 0) {
      const share = this.#windowBytes * peerWindowShare;
      if (this.taken - this.#told < share) throw new Error("the window has closed for ever");
      this.#told = this.taken;
      expect(this.queue.taken(this.taken)).toBe(true);
      this.arrive();
    }
  }
}

describe("bulk frames", () => {
  test("are cut into full pieces and a rest; what fits into one is not cut", () => {
    const line = new Line();
    line.send(0x80, Buffer.alloc(2500, 1), Buffer.alloc(300, 2));
    line.send(0x81, Buffer.alloc(piece, 3));
    line.drain();
    expect(line.pieces).toEqual([piece, piece, 800, piece]);
    expect(line.frames.map(({ kind, body }) => [kind, body.length])).toEqual([
      [0x80, 2800],
      [0x81, piece],
    ]);
    expect(line.frames[0]?.body.subarray(2499, 2501)).toEqual(Buffer.of(1, 2));
  });

  test("arrive whole and in order, however large they are and however many parts they have", () => {
    const frame = fc.array(fc.nat(2500), { maxLength: 4 });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), (list) => {
        const line = new Line({ queueBytesMax: 1 << 20 });
        const bodies = list.map((sizes, at) => sizes.map((size) => Buffer.alloc(size, at + 1)));
        for (const parts of bodies) expect(line.send(0x80, ...parts)).toBe(true);
        line.drain();
        expect(line.frames).toHaveLength(list.length);
        for (const [at, parts] of bodies.entries()) {
          expect(line.frames[at]?.body.equals(Buffer.concat(parts))).toBe(true);
        }
        expect(line.queue.waitingBytes).toBe(0);
      }),
      { numRuns: 50 },
    );
  });

  test.each([0, 1, 999, 1000, 1001, 2500, 2800])(
    "carry a sum over their first %i bytes, whatever pieces those are in",
    (summed) => {
      const line = new Line();
      line.queue.add(0x80, [Buffer.alloc(2800, 1)], 2800, summed);
      line.drain();
      expect(line.frames).toHaveLength(1);
    },
  );
});

describe("the window", () => {
  test("is never exceeded while the receiver says nothing, and fills to its last piece", () => {
    const line = new Line();
    line.send(0x80, Buffer.alloc(100 * piece));
    line.arrive();
    expect(line.taken).toBe(limits.windowBytes);
    line.send(0x80, Buffer.alloc(0));
    line.arrive();
    expect(line.taken).toBe(limits.windowBytes);
  });

  test("opens by what the receiver has taken, not by a word that repeats it", () => {
    const line = new Line();
    line.send(0x80, Buffer.alloc(100 * piece));
    line.arrive();
    const told = piece + headBytes;
    for (const word of [told, told]) {
      expect(line.queue.taken(word)).toBe(true);
      line.arrive();
      expect(line.taken).toBe(limits.windowBytes + told);
    }
  });

  test("is not opened by a receiver that has taken what was not sent, or less than before", () => {
    const line = new Line();
    line.send(0x80, Buffer.alloc(500));
    line.arrive();
    expect(line.queue.taken(line.taken + 1)).toBe(false);
    expect(line.queue.taken(-1)).toBe(false);
    expect(line.queue.taken(line.taken)).toBe(true);
    expect(line.queue.taken(line.taken - 1)).toBe(false);
  });

  test("counts heads too, so many empty frames do not slip through", () => {
    const line = new Line({ queueBytesMax: 1 << 20 });
    for (let at = 0; at < 1000; at += 1) line.send(0x80);
    line.arrive();
    expect(line.taken).toBeLessThanOrEqual(limits.windowBytes);
    line.drain();
    expect(line.frames).toHaveLength(1000);
  });
});

describe("the queue", () => {
  test("refuses what is beyond its limit, and takes frames again when some have left", () => {
    const line = new Line();
    for (let at = 0; at < 4; at += 1) expect(line.send(0x80, Buffer.alloc(piece))).toBe(true);
    let waiting = 0;
    while (line.send(0x80, Buffer.alloc(piece))) waiting += 1;
    expect(waiting).toBe(3);
    expect(line.queue.waitingBytes).toBeLessThanOrEqual(limits.queueBytesMax);
    line.drain();
    expect(line.frames).toHaveLength(7);
    expect(line.send(0x80, Buffer.alloc(piece))).toBe(true);
  });

  test("takes a single frame above its limit when no other waits", () => {
    const line = new Line();
    expect(line.send(0x80, Buffer.alloc(50_000))).toBe(true);
    expect(line.send(0x80)).toBe(false);
    line.drain();
    expect(line.frames).toHaveLength(1);
  });

  test("has a limit for empty frames too", () => {
    const line = new Line();
    while (line.send(0x80, Buffer.alloc(10))) if (line.queue.waitingBytes > 0) break;
    let waiting = 1;
    while (line.send(0x80)) waiting += 1;
    expect(waiting).toBeLessThan(limits.queueBytesMax / headBytes);
  });
});
