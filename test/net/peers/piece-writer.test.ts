import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { FrameDecoder } from "../../../src/net/peers/frame.ts";
import { FrameWriter } from "../../../src/net/peers/frame-writer.ts";

/** A socket made of memory: every write of the operating system as one buffer. */
function memorySocket() {
  const writes: Buffer[] = [];
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      writes.push(chunk);
      done();
    },
    writev(chunks, done) {
      writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk as Buffer)));
      done();
    },
  });
  return { writes, socket: stream as Socket };
}

function framesIn(writes: readonly Buffer[]): string[] {
  const seen: string[] = [];
  const decoder = new FrameDecoder(
    1 << 24,
    (kind, body) => seen.push(`${kind} ${body.length}`) > 0,
  );
  for (const bytes of writes) expect(decoder.push(bytes)).toBeNull();
  expect(decoder.pendingBytes).toBe(0);
  return seen;
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

test("everything of one turn leaves in one write, small and large, in order", async () => {
  const { writes, socket } = memorySocket();
  const writer = new FrameWriter(socket);
  const sizes = [3, 0, 16_000, 400, 200_000, 1, 16_375, 16_376, 90_000, 2];
  for (const [kind, size] of sizes.entries()) writer.add(kind, [Buffer.alloc(size)], size);
  expect(writes).toEqual([]);
  expect(writer.queuedBytes).toBe(sizes.reduce((sum, size) => sum + size + 9, 0));
  await turn();
  expect(writes).toHaveLength(1);
  expect(writer.queuedBytes).toBe(0);
  expect(framesIn(writes)).toEqual(sizes.map((size, kind) => `${kind} ${size}`));
});

test("frames of later turns do not touch bytes that are still on their way", async () => {
  const { writes, socket } = memorySocket();
  const writer = new FrameWriter(socket);
  for (let round = 0; round < 40; round += 1) {
    for (let at = 0; at < 10; at += 1) writer.add(1, [Buffer.alloc(300, round)], 300);
    await turn();
  }
  expect(writes).toHaveLength(40);
  expect(framesIn(writes)).toHaveLength(400);
});

test("a body in parts is one frame, and small parts may be used again at once", async () => {
  const { writes, socket } = memorySocket();
  const writer = new FrameWriter(socket);
  const part = Buffer.from("abc");
  writer.add(7, [part, Buffer.alloc(0), part], 6);
  part.fill(0);
  await turn();
  expect(writes[0]?.toString("latin1", 8)).toBe("\x07abcabc");
  expect(framesIn(writes)).toEqual(["7 6"]);
});

test("what was gathered for a socket that has ended is dropped", async () => {
  const { writes, socket } = memorySocket();
  const writer = new FrameWriter(socket);
  socket.on("error", () => undefined);
  writer.add(1, [], 0);
  socket.destroy();
  await turn();
  expect(writes).toEqual([]);
  expect(writer.queuedBytes).toBe(0);
});
