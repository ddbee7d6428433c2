// Everything that may arrive on the peer port and is no good peer: closed, no frame passed on, others served.

import { createServer } from "node:net";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AcceptorHandshake, DiallerHandshake } from "../../../src/net/peers/handshake.ts";
import { ownKind } from "../../../src/net/peers/handshake-codec.ts";
import {
  crcOf,
  encodeWhole,
  firstFlag,
  headBytes,
  lastFlag,
  PieceDecoder,
  writeCrc,
  writeHead,
} from "../../../src/net/peers/piece.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { closed, handshaken, identity, rawSocket, readToEnd, started } from "./support.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
/** A piece whose CRC fits, whatever its head says. */
function piece(kind: number, flags: number, body: string, group = 0): Buffer {
  const whole = encodeWhole(kind, bytes(body));
  writeHead(whole, 0, { kind, flags, bytes: body.length, summed: body.length });
  whole.writeUInt32LE(group, 12);
  writeCrc(whole, 0, crcOf(whole, 0, body.length));
  return whole;
}
/** Only a head, with a length that it claims. */
function head(claimed: number): Buffer {
  const only = Buffer.alloc(headBytes);
  only.writeUInt32LE(claimed, 4);
  return only;
}
const hello = (from: number, to: number) =>
  new DiallerHandshake(identity(from), asNode(to)).start();
/** A good hello in which `change` has been at work on the body, with a checksum that fits. */
function changedHello(change: (body: Buffer) => void): Buffer {
  const body = Buffer.from(hello(1, 2).subarray(headBytes));
  change(body);
  return encodeWhole(ownKind.hello, body);
}

describe("before the handshake", () => {
  const strangers: [string, Buffer][] = [
    ["RESP", bytes("*1\r\n$4\r\nPING\r\n")],
    ["an inline command", bytes("PING\r\n")],
    ["HTTP", bytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["a TLS hello", Buffer.from("16030100c4010000c00303", "hex")],
    ["zeros", Buffer.alloc(100)],
    ["a length above the handshake's", head(4097)],
    ["the largest length", head(0xffff_ffff)],
    ["half a hello", piece(ownKind.hello, firstFlag, "KVRM")],
    ["a hello with a wrong checksum", flipped(hello(1, 2), 20)],
    ["a frame of Raft", encodeWhole(1, bytes("vote for me"))],
    ["a proof of nothing", encodeWhole(ownKind.proof, Buffer.alloc(32))],
    ["an empty hello", encodeWhole(ownKind.hello, Buffer.alloc(0))],
    ["a hello without the magic", changedHello((body) => body.write("XXXX"))],
  ];

  test.each(strangers)(
    "%s is closed without a word, with one line in the log",
    async (_name, sent) => {
      const node = await started(identity(2), { handshakeMs: 100 });
      const socket = await rawSocket(node.network.port);
      socket.write(sent);
      expect(await readToEnd(socket)).toEqual(Buffer.alloc(0));
      expect(node.frames).toEqual([]);
      expect(node.network.refusals).toBe(1);
      expect(node.lines.filter((line) => line.startsWith("refused a peer"))).toHaveLength(1);
    },
  );

  const refused: [string, Buffer, string][] = [
    ["a wrong version", changedHello((body) => body.writeUInt16LE(4, 4)), "protocol version 4"],
    ["this node's own id", hello(2, 2), "own"],
    ["a call for another node", hello(1, 3), "this is node 2, not node 3"],
    [
      "another cluster",
      changedHello((body) => body.write("x", body.length - 1)),
      "another cluster",
    ],
    ["a cut hello", encodeWhole(ownKind.hello, hello(1, 2).subarray(headBytes, 50)), "malformed"],
  ];

  test.each(refused)("%s gets a reject frame with the reason", async (_name, sent, reason) => {
    const node = await started(identity(2));
    const socket = await rawSocket(node.network.port);
    socket.write(sent);
    const answer = await readToEnd(socket);
    expect(answer.readUInt8(16)).toBe(ownKind.reject);
    expect(answer.toString("latin1", headBytes)).toContain(reason);
    expect(node.lines.filter((line) => line.includes(reason))).toHaveLength(1);
  });

  test.each([
    ["at once", (sent: Buffer) => [sent]],
    ["byte by byte", (sent: Buffer) => [...sent].map((byte) => Buffer.of(byte))],
  ])("a peer of the first version is told apart when it calls %s", async (_name, cut) => {
    const body = Buffer.alloc(70);
    body.write("KVRM");
    body.writeUInt16BE(1, 4);
    const former = Buffer.concat([Buffer.alloc(8), Buffer.of(ownKind.hello), body]);
    former.writeUInt32BE(body.length + 1, 0);
    former.writeUInt32BE(crc32(former.subarray(8)), 4);
    const node = await started(identity(2));
    const socket = await rawSocket(node.network.port);
    for (const chunk of cut(former)) socket.write(chunk);
    await closed(socket);
    expect(node.lines).toEqual([
      "refused a peer connection from 127.0.0.1: peer protocol version 1, and this node speaks 3",
    ]);
  });

  test("the same nuisance is logged once, however often it comes", async () => {
    const node = await started(identity(2));
    for (let at = 0; at < 5; at += 1) {
      const socket = await rawSocket(node.network.port);
      socket.write("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
      await closed(socket);
    }
    expect(node.network.refusals).toBe(5);
    expect(node.lines).toHaveLength(1);
  });

  test("a hello that comes byte by byte is read", async () => {
    const node = await started(identity(2));
    const socket = await rawSocket(node.network.port);
    for (const byte of hello(1, 2)) socket.write(Buffer.of(byte));
    await new Promise((resolve) => socket.once("data", resolve));
    expect(node.network.refusals).toBe(0);
  });

  test.each([
    ["says nothing", Buffer.alloc(0)],
    ["stops after half a hello", hello(1, 2).subarray(0, 30)],
    ["stops after the challenge", hello(1, 2)],
  ])("whoever %s is closed after the handshake's time", async (_name, sent) => {
    const node = await started(identity(2), { handshakeMs: 30 });
    const socket = await rawSocket(node.network.port);
    socket.write(sent);
    await closed(socket);
    expect(node.lines.at(-1)).toContain("no handshake in time");
  });

  test("more bytes than a handshake needs end it, whatever frames they pretend to be", async () => {
    const node = await started(identity(2), { handshakeBytesMax: 300 });
    const socket = await rawSocket(node.network.port);
    socket.write(Buffer.concat([head(290), Buffer.alloc(301)]));
    await closed(socket);
    expect(node.lines.at(-1)).toContain("too much before the handshake");
  });
});

/** A piece of a bulk frame as long as the limit of these tests. */
const full = (flags: number) => piece(0x80, flags, "x".repeat(1000));

describe("after the handshake", () => {
  const bad: [string, Buffer][] = [
    ["a head of zeros", head(0)],
    ["a length above a piece's", head(1001)],
    ["the largest length", head(0xffff_ffff)],
    ["a wrong checksum", flipped(encodeWhole(1, bytes("body")), 20)],
    ["another group", piece(1, firstFlag | lastFlag, "body", 1)],
    ["a last piece without a first", piece(0x80, lastFlag, "body")],
    ["two first pieces", Buffer.concat([full(firstFlag), full(firstFlag)])],
    [
      "more pieces than the largest frame has",
      Buffer.concat([full(firstFlag), full(0), piece(0x80, lastFlag, "x")]),
    ],
    ["pieces that are not full", piece(0x80, firstFlag, "x")],
    ["an urgent frame in pieces", piece(1, firstFlag, "x".repeat(1000))],
    ["a ping in pieces", piece(ownKind.ping, firstFlag, "")],
    ["a second hello", hello(1, 2)],
    ["a frame of the handshake", encodeWhole(ownKind.welcome, Buffer.alloc(0))],
    ["an unknown kind of this layer", encodeWhole(0xff, Buffer.alloc(0))],
  ];

  test.each(bad)(
    "%s closes the connection; the good frame before it has counted",
    async (_name, sent) => {
      const node = await started(identity(2), { frameBytesMax: 2000, pieceBytesMax: 1000 });
      const socket = await handshaken(node.network.port, identity(1), 2);
      const good = encodeWhole(1, bytes("good"));
      socket.write(Buffer.concat([good, sent, good]));
      await closed(socket);
      expect(node.frames).toEqual([{ from: 1, kind: 1, body: "good" }]);
    },
  );

  test("the largest frame passes, one byte more does not", async () => {
    const node = await started(identity(2), { frameBytesMax: 2000, pieceBytesMax: 1000 });
    const socket = await handshaken(node.network.port, identity(1), 2);
    socket.write(Buffer.concat([full(firstFlag), full(lastFlag)]));
    await node.until(() => node.frames.length === 1);
    socket.write(Buffer.concat([full(firstFlag), full(0), piece(0x80, lastFlag, "x")]));
    await closed(socket);
    expect(node.frames.map(({ body }) => body.length)).toEqual([2000]);
  });

  test("half a frame and then the end: nothing of it is passed on", async () => {
    const node = await started(identity(2));
    const socket = await handshaken(node.network.port, identity(1), 2);
    socket.end(encodeWhole(1, bytes("a whole frame")).subarray(0, 15));
    await node.logged("node 1 no longer sends");
    expect(node.frames).toEqual([]);
  });

  test("half a frame and then silence is closed", async () => {
    const node = await started(identity(2), { pingMs: 5, silentPingsMax: 3 });
    const socket = await handshaken(node.network.port, identity(1), 2);
    socket.write(encodeWhole(1, bytes("a whole frame")).subarray(0, 15));
    await closed(socket);
    expect(node.lines.at(-1)).toContain("silent");
  });

  test("frames sent behind the proof, before the welcome, are not lost or misread", async () => {
    const node = await started(identity(2));
    const socket = await rawSocket(node.network.port);
    socket.write(hello(1, 2));
    await new Promise((resolve) => socket.once("data", resolve));
    const early = encodeWhole(1, bytes("early"));
    socket.write(Buffer.concat([encodeWhole(ownKind.proof, Buffer.alloc(0)), early]));
    await node.until(() => node.frames.length === 1);
    expect(node.frames[0]?.body).toBe("early");
  });

  test("a peer cannot send to the side that dialled it", async () => {
    const node = await started(identity(1));
    const server = createServer((socket) => {
      const handshake = new AcceptorHandshake(identity(2));
      const decoder = new PieceDecoder(4096, (kind, _flags, body) => {
        const step = handshake.receive(kind, body);
        if (step.send !== null) socket.write(step.send);
        if (step.state === "done") socket.write(encodeWhole(1, bytes("for you")));
        return step.state === "continue";
      });
      socket.on("data", (chunk) => decoder.push(chunk));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    node.network.setPeers(new Map([[asNode(2), `127.0.0.1:${port}`]]));
    await node.saw("disconnected 2");
    expect(node.frames).toEqual([]);
    node.network.setPeers(new Map());
    server.close();
  });
});

test("random bytes and damaged handshakes never get through, and never hurt a good peer", async () => {
  const secured = (id: number) => identity(id, "a secret of the tests");
  const node = await started(secured(2), { handshakeMs: 20 });
  const good = await handshaken(node.network.port, secured(1), 2);
  const said = new DiallerHandshake(secured(3), asNode(2)).start();
  const conversation = Buffer.concat([said, encodeWhole(ownKind.proof, Buffer.alloc(32))]);
  const garbage = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((list) => Buffer.from(list)),
    fc
      .tuple(fc.nat(conversation.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, mask]) => flipped(conversation, at, mask)),
  );
  const property = fc.asyncProperty(garbage, async (sent) => {
    const socket = await rawSocket(node.network.port);
    socket.write(Buffer.concat([sent, encodeWhole(1, bytes("planted"))]));
    await closed(socket);
  });
  await fc.assert(property, { numRuns: 300, seed: 20 });
  good.write(encodeWhole(1, bytes("still here")));
  await node.until(() => node.frames.length > 0);
  expect(node.frames).toEqual([{ from: 1, kind: 1, body: "still here" }]);
});

function flipped(frame: Buffer, at: number, mask = 1): Buffer {
  const copy = Buffer.from(frame);
  copy.writeUInt8(copy.readUInt8(at) ^ mask, at);
  return copy;
}
