import { expect, test } from "vitest";
import { peerSlabBytes } from "../../../src/constants.ts";
import { headBytes, PieceDecoder } from "../../../src/net/peers/piece.ts";
import { PieceWriter } from "../../../src/net/peers/piece-writer.ts";
import { memorySocket, turn } from "./support.ts";

function piecesIn(writes: readonly Buffer[]): string[] {
  const seen: string[] = [];
  const decoder = new PieceDecoder(
    1 << 24,
    (kind, flags, body) => seen.push(`${kind} ${flags} ${body.length}`) > 0,
  );
  for (const bytes of writes) expect(decoder.push(bytes)).toBeNull();
  expect(decoder.heldBytes).toBe(0);
  return seen;
}

function addWhole(writer: PieceWriter, kind: number, body: Buffer): void {
  writer.addWhole(kind, [body], body.length, body.length);
}

test("everything of one turn leaves in one write, small and large, in order", async () => {
  const { writes, socket } = memorySocket();
  const writer = new PieceWriter(socket);
  const sizes = [3, 0, 16_000, 400, 65_536, 1, 16_384, 16_385, 65_536, 65_536, 65_536, 2];
  for (const [kind, size] of sizes.entries()) {
    if (kind % 2 === 0) addWhole(writer, kind, Buffer.alloc(size, kind));
    else {
      const head = { kind, flags: 3, bytes: size, summed: size };
      writer.addPiece(head, [Buffer.alloc(size, kind)]);
    }
  }
  expect(writes).toEqual([]);
  expect(writer.queuedBytes).toBe(sizes.reduce((sum, size) => sum + size + headBytes, 0));
  await turn();
  expect(writes).toHaveLength(1);
  expect(writer.queuedBytes).toBe(0);
  expect(piecesIn(writes)).toEqual(sizes.map((size, kind) => `${kind} 3 ${size}`));
});

test("frames of later turns do not touch bytes that are still on their way", async () => {
  const { writes, socket, hold } = memorySocket();
  hold(true);
  const writer = new PieceWriter(socket);
  const rounds = 3 * Math.ceil(peerSlabBytes / 4000);
  for (let round = 0; round < rounds; round += 1) {
    for (let at = 0; at < 10; at += 1) addWhole(writer, 1, Buffer.alloc(300, String(round % 10)));
    await turn();
  }
  expect(writes).toHaveLength(1); // The first is not taken yet, so the others wait.
  hold(false);
  await turn();
  const bodies: string[] = [];
  const decoder = new PieceDecoder(1000, (_kind, _flags, body) => bodies.push(body.toString()) > 0);
  for (const bytes of writes) decoder.push(bytes);
  const expected = Array.from({ length: rounds }, (_, round) => String(round % 10).repeat(300));
  expect(bodies).toEqual(expected.flatMap((body) => Array.from({ length: 10 }, () => body)));
});

test("a body in parts is one frame, and small parts may be used again at once", async () => {
  const { writes, socket } = memorySocket();
  const writer = new PieceWriter(socket);
  const part = Buffer.from("abc");
  writer.addWhole(7, [part, Buffer.alloc(0), part], 6, 6);
  part.fill(0);
  await turn();
  expect(writes[0]?.toString("latin1", headBytes)).toBe("abcabc");
  expect(piecesIn(writes)).toEqual(["7 3 6"]);
});

test.each([0, 1, 20_000, 20_001, 40_000])(
  "the sum over the first %i bytes of a piece goes over its slices",
  async (summed) => {
    const { writes, socket } = memorySocket();
    const slices = [Buffer.alloc(20_000, 1), Buffer.alloc(100, 2), Buffer.alloc(19_900, 3)];
    const head = { kind: 0x80, flags: 1, bytes: 40_000, summed };
    new PieceWriter(socket).addPiece(head, slices);
    await turn();
    expect(piecesIn(writes)).toEqual(["128 1 40000"]);
  },
);

test("what was gathered for a socket that has ended is dropped", async () => {
  const { writes, socket } = memorySocket();
  const writer = new PieceWriter(socket);
  socket.on("error", () => undefined);
  writer.addWhole(1, [], 0, 0);
  socket.destroy();
  await turn();
  expect(writes).toEqual([]);
  expect(writer.queuedBytes).toBe(0);
});
