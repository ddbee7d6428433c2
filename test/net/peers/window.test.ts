// Bulk and urgent frames between two nodes over real sockets: who waits for whom, and for how much.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { peerPieceBytesMax, peerWindowBytes } from "../../../src/constants.ts";
import { AcceptorHandshake } from "../../../src/net/peers/handshake.ts";
import { ownKind } from "../../../src/net/peers/handshake-codec.ts";
import type { PeerLimits } from "../../../src/net/peers/peer-options.ts";
import {
  bulkKindMin,
  crcOf,
  encodeWhole,
  firstFlag,
  headBytes,
  isBulk,
  lastFlag,
  PieceDecoder,
  writeCrc,
  writeHead,
} from "../../../src/net/peers/piece.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { handshaken, identity, type Recorded, started } from "./support.ts";

const append = bulkKindMin;
const vote = 1;
const MiB = 1024 * 1024;
const to2 = asNode(2);

async function listening(accept: (socket: Socket) => void): Promise<string> {
  const server = createServer(accept).listen(0, "127.0.0.1");
  onTestFinished(() => {
    server.close();
  });
  await once(server, "listening");
  const address = server.address();
  return `127.0.0.1:${typeof address === "object" ? address?.port : 0}`;
}

/** A line to the node that carries so many bytes every few milliseconds; the way back is free. */
async function slowLineTo(node: Recorded, bytesPerBeat: number) {
  const line = { passed: 0, address: "", onBeat: () => {} };
  line.address = await listening((near) => {
    const far = connect({ host: "127.0.0.1", port: node.network.port });
    const beat = setInterval(() => {
      const chunk = (near.read(bytesPerBeat) ?? near.read()) as Buffer | null;
      if (chunk === null) return;
      line.passed += chunk.length;
      far.write(chunk);
      line.onBeat();
    }, 2);
    far.on("data", (chunk) => near.write(chunk));
    for (const socket of [near, far]) socket.on("error", () => undefined);
    onTestFinished(() => {
      clearInterval(beat);
      near.destroy();
      far.destroy();
    });
  });
  return line;
}

/** Node 2 as a bare socket that takes what it is sent and says only what the test says. */
class Acceptor {
  bulkBytes = 0;
  readonly kinds: number[] = [];
  #socket: Socket | null = null;
  #wake = () => {};
  address = "";

  async listen(): Promise<this> {
    this.address = await listening((socket) => {
      const handshake = new AcceptorHandshake(identity(2));
      let isDone = false;
      const decoder = new PieceDecoder(1 << 16, (kind, flags, body) => {
        if (isDone) this.#piece(kind, flags, body);
        else {
          const step = handshake.receive(kind, body);
          if (step.send !== null) socket.write(step.send);
          isDone = step.state === "done";
        }
        return true;
      });
      socket.on("data", (chunk) => {
        decoder.push(chunk);
        this.#wake();
      });
      socket.on("error", () => undefined);
      onTestFinished(() => {
        socket.destroy();
      });
      this.#socket = socket;
    });
    return this;
  }

  tell(body: Buffer): void {
    this.#socket?.write(encodeWhole(ownKind.taken, body));
  }

  tellTaken(bytes: number): void {
    const body = Buffer.alloc(8);
    body.writeBigUInt64LE(BigInt(bytes));
    this.tell(body);
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #piece(kind: number, flags: number, body: Buffer): void {
    if (isBulk(kind)) this.bulkBytes += headBytes + body.length;
    if ((flags & lastFlag) !== 0 && kind !== ownKind.ping) this.kinds.push(kind);
  }
}

async function dialled(address: string, limits: Partial<PeerLimits> = {}): Promise<Recorded> {
  const one = await started(identity(1), limits);
  one.network.setPeers(new Map([[to2, address]]));
  await one.saw("connected 2");
  return one;
}

describe("on a slow line", () => {
  test("an urgent frame overtakes a large bulk frame, and waits for a window at most", async () => {
    const two = await started(identity(2));
    const line = await slowLineTo(two, 32 * 1024);
    const one = await dialled(line.address);
    expect(one.network.send(to2, append, [Buffer.alloc(4 * MiB, 7)])).toBe(true);
    await new Promise<void>((resolve) => {
      line.onBeat = () => line.passed > MiB && resolve();
    });
    const before = line.passed;
    let waited = 0;
    two.onFrame = ({ kind }) => {
      if (kind === vote) waited = line.passed - before;
    };
    one.network.send(to2, vote, [Buffer.from("mine")]);
    await two.until(() => two.frames.length === 2);
    expect(two.frames.map(({ kind }) => kind)).toEqual([vote, append]);
    expect(two.frames[1]?.body).toBe("\x07".repeat(4 * MiB));
    expect(waited).toBeLessThan(peerWindowBytes + 64 * 1024); // What one beat passes on comes on top.
  });

  test("bulk frames keep their order among themselves", async () => {
    const two = await started(identity(2));
    const one = await dialled((await slowLineTo(two, 64 * 1024)).address);
    const sizes = [200_000, 10, 70_000, 0, 400_000, 65_536];
    for (const [at, size] of sizes.entries()) {
      one.network.send(to2, append + at, [Buffer.alloc(size)]);
      one.network.send(to2, vote, []);
    }
    await two.until(() => two.frames.length === 2 * sizes.length);
    const bulk = two.frames.filter(({ kind }) => isBulk(kind));
    expect(bulk.map(({ body }) => body.length)).toEqual(sizes);
  });

  test("a bulk frame that takes long keeps its connection alive", async () => {
    const quick = { pingMs: 10, silentPingsMax: 4 };
    const two = await started(identity(2), quick);
    const line = await slowLineTo(two, 8 * 1024);
    const one = await dialled(line.address, quick);
    const since = performance.now();
    one.network.send(to2, append, [Buffer.alloc(MiB)]);
    await two.until(() => two.frames.length === 1);
    expect(performance.now() - since).toBeGreaterThan(4 * quick.pingMs * quick.silentPingsMax);
    expect(one.events).toEqual(["connected 2"]);
  });
});

describe("the window", () => {
  test("is all that leaves to a peer that says nothing; urgent frames still do", async () => {
    const two = await new Acceptor().listen();
    const one = await dialled(two.address, { pingMs: 60_000 });
    expect(one.network.send(to2, append, [Buffer.alloc(2 * MiB)])).toBe(true);
    one.network.flush();
    one.network.send(to2, vote, []);
    await two.until(() => two.kinds.includes(vote));
    expect(two.bulkBytes).toBeLessThanOrEqual(peerWindowBytes);
    expect(two.bulkBytes).toBeGreaterThan(peerWindowBytes - 65_536 - headBytes);
  });

  test("opens again when the peer says what it has taken", async () => {
    const two = await new Acceptor().listen();
    const one = await dialled(two.address, { pingMs: 60_000 });
    one.network.send(to2, append, [Buffer.alloc(MiB)]);
    for (let told = 0; !two.kinds.includes(append); told = two.bulkBytes) {
      await two.until(() => two.bulkBytes > told);
      two.tellTaken(two.bulkBytes);
    }
    expect(two.bulkBytes).toBe(MiB + Math.ceil(MiB / peerPieceBytesMax) * headBytes);
  });

  test.each([
    ["more than was sent", Buffer.from("ffffffff00000000", "hex")],
    ["a number beyond 2^53", Buffer.alloc(8, 0xff)],
    ["half a number", Buffer.alloc(4)],
  ])("is not opened by a peer that says %s: the connection ends", async (_name, body) => {
    const two = await new Acceptor().listen();
    const one = await dialled(two.address);
    two.tell(body);
    await one.saw("disconnected 2");
    expect(one.lines.some((line) => line.includes("taken what was not sent"))).toBe(true);
  });

  test("costs a word when a share of it is taken, and none for small frames before", async () => {
    const two = await started(identity(2), { pingMs: 60_000 });
    const socket = await handshaken(two.network.port, identity(1), 2);
    const answers: Buffer[] = [];
    socket.on("data", (chunk) => answers.push(chunk));
    const size = 200 + headBytes;
    const share = peerWindowBytes / 2;
    const beforeShare = Math.floor((share - 1) / size);
    const frame = encodeWhole(append, Buffer.alloc(200));
    for (let at = 0; at < beforeShare; at += 1) socket.write(frame);
    await two.until(() => two.frames.length === beforeShare);
    socket.write(frame);
    await once(socket, "data");
    const body = Buffer.alloc(8);
    body.writeBigUInt64LE(BigInt((beforeShare + 1) * size));
    expect(Buffer.concat(answers)).toEqual(encodeWhole(ownKind.taken, body));
  });
});

describe("a queue that is full", () => {
  test("refuses bulk, takes urgent frames, and takes bulk again when it has left", async () => {
    const two = await started(identity(2));
    const one = await dialled(two.address, { queueBytesMax: MiB });
    const body = Buffer.alloc(100_000);
    let sent = 0;
    while (one.network.send(to2, append, [body])) sent += 1;
    expect(sent).toBe(15); // A window, and what waits behind it.
    expect(one.network.send(to2, vote, [])).toBe(true);
    await two.until(() => two.frames.length === sent + 1);
    expect(one.network.send(to2, append, [body])).toBe(true);
  });

  test("has a limit for urgent frames, too, which bulk does not use up", async () => {
    const two = await started(identity(2));
    const small = { pieceBytesMax: 1000, windowBytes: 2 * (1000 + headBytes) };
    const one = await dialled(two.address, {
      ...small,
      queueBytesMax: 5000,
      urgentQueueBytesMax: 5 * (1000 + headBytes),
    });
    let sent = 0;
    while (one.network.send(to2, append, [Buffer.alloc(1000)])) sent += 1;
    expect(sent).toBeGreaterThan(2); // Two fill the window, the others wait.
    sent = 0;
    while (one.network.send(to2, vote, [Buffer.alloc(1000)])) sent += 1;
    expect(sent).toBe(5);
  });
});

describe("a connection that ends", () => {
  test("takes its half frame with it", async () => {
    const limits = { pieceBytesMax: 1000 };
    const two = await started(identity(2), limits);
    const older = await handshaken(two.network.port, identity(1), 2);
    older.write(asFirst(encodeWhole(append, Buffer.alloc(1000))));
    older.write(encodeWhole(vote, Buffer.from("after the half")));
    await two.until(() => two.frames.length === 1);
    const newer = await handshaken(two.network.port, identity(1), 2);
    newer.write(encodeWhole(append, Buffer.from("whole")));
    await two.until(() => two.frames.length === 2);
    expect(two.frames.map(({ body }) => body)).toEqual(["after the half", "whole"]);
  });

  test("loses what waited for it: the next one begins with a whole frame", async () => {
    const two = await new Acceptor().listen();
    const one = await dialled(two.address, { pingMs: 60_000, backoffMinMs: 1 });
    one.network.send(to2, append, [Buffer.alloc(MiB)]);
    await two.until(() => two.bulkBytes > 0);
    two.tellTaken(2 ** 40);
    await one.until(() => one.events.filter((event) => event === "connected 2").length === 2);
    two.kinds.length = 0;
    expect(one.network.send(to2, append + 1, [Buffer.alloc(10)])).toBe(true);
    await two.until(() => two.kinds.length > 0);
    expect(two.kinds).toEqual([append + 1]);
  });
});

/** The same piece as the first of several. */
function asFirst(whole: Buffer): Buffer {
  const bytes = whole.length - headBytes;
  writeHead(whole, 0, { kind: append, flags: firstFlag, bytes, summed: bytes });
  writeCrc(whole, 0, crcOf(whole, 0, bytes));
  return whole;
}
