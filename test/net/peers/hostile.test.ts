// Everything that may arrive on the peer port and is no good peer: closed, no frame passed on, others served.

import { createServer } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeFrame, FrameDecoder } from "../../../src/net/peers/frame.ts";
import { AcceptorHandshake, DiallerHandshake } from "../../../src/net/peers/handshake.ts";
import { ownKind } from "../../../src/net/peers/handshake-codec.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { closed, handshaken, identity, rawSocket, readToEnd, started } from "./support.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const u32 = (value: number) => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
};
const hello = (from: number, to: number) =>
  new DiallerHandshake(identity(from), asNode(to)).start();
/** A good hello in which `change` has been at work on the body, with a checksum that fits. */
function changedHello(change: (body: Buffer) => void): Buffer {
  const body = Buffer.from(hello(1, 2).subarray(9));
  change(body);
  return encodeFrame(ownKind.hello, body);
}

describe("before the handshake", () => {
  const strangers: [string, Buffer][] = [
    ["RESP", bytes("*1\r\n$4\r\nPING\r\n")],
    ["an inline command", bytes("PING\r\n")],
    ["HTTP", bytes("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["a TLS hello", Buffer.from("16030100c4010000c00303", "hex")],
    ["a length of 0", u32(0)],
    ["a length above the handshake's", u32(4097)],
    ["the largest length", u32(0xffff_ffff)],
    ["a hello with a wrong checksum", flipped(hello(1, 2), 20)],
    ["a frame of Raft", encodeFrame(1, bytes("vote for me"))],
    ["a proof of nothing", encodeFrame(ownKind.proof, Buffer.alloc(32))],
    ["an empty hello", encodeFrame(ownKind.hello, Buffer.alloc(0))],
    ["a hello without the magic", changedHello((body) => body.write("XXXX"))],
  ];

  test.each(strangers)(
    "%s is closed without a word, with one line in the log",
    async (_name, sent) => {
      const node = await started(identity(2));
      const socket = await rawSocket(node.network.port);
      socket.write(sent);
      expect(await readToEnd(socket)).toEqual(Buffer.alloc(0));
      expect(node.frames).toEqual([]);
      expect(node.network.refusals).toBe(1);
      expect(node.lines.filter((line) => line.startsWith("refused a peer"))).toHaveLength(1);
    },
  );

  const refused: [string, Buffer, string][] = [
    ["a wrong version", changedHello((body) => body.writeUInt16BE(2, 4)), "protocol version 2"],
    ["this node's own id", hello(2, 2), "own"],
    ["a call for another node", hello(1, 3), "this is node 2, not node 3"],
    [
      "another cluster",
      changedHello((body) => body.write("x", body.length - 1)),
      "another cluster",
    ],
    ["a cut hello", encodeFrame(ownKind.hello, hello(1, 2).subarray(9, 40)), "malformed"],
  ];

  test.each(refused)("%s gets a reject frame with the reason", async (_name, sent, reason) => {
    const node = await started(identity(2));
    const socket = await rawSocket(node.network.port);
    socket.write(sent);
    const answer = await readToEnd(socket);
    expect(answer.readUInt8(8)).toBe(ownKind.reject);
    expect(answer.toString("latin1", 9)).toContain(reason);
    expect(node.lines.filter((line) => line.includes(reason))).toHaveLength(1);
  });

  test("the same nuisance is logged once, however often it comes", async () => {
    const node = await started(identity(2));
    for (let at = 0; at < 5; at += 1) {
      const socket = await rawSocket(node.network.port);
      socket.write("PING\r\n");
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
    socket.write(Buffer.concat([u32(290), Buffer.alloc(301)]));
    await closed(socket);
    expect(node.lines.at(-1)).toContain("too much before the handshake");
  });

  test("a full port makes room by closing who waits longest; proven peers stay", async () => {
    const node = await started(identity(2), { connectionsMax: 3 });
    const peer = await handshaken(node.network.port, identity(1), 2);
    const first = await rawSocket(node.network.port);
    const second = await rawSocket(node.network.port);
    const other = await handshaken(node.network.port, identity(3), 2);
    await closed(first);
    await handshaken(node.network.port, identity(4), 2);
    await closed(second);
    const late = await rawSocket(node.network.port);
    await closed(late);
    for (const socket of [peer, other]) socket.write(encodeFrame(1, bytes("here")));
    await node.until(() => node.frames.length === 2);
  });
});

describe("after the handshake", () => {
  const bad: [string, Buffer][] = [
    ["a length of 0", u32(0)],
    ["a length above the limit", u32(1002)],
    ["the largest length", u32(0xffff_ffff)],
    ["a wrong checksum", flipped(encodeFrame(1, bytes("body")), 10)],
    ["a second hello", hello(1, 2)],
    ["a frame of the handshake", encodeFrame(ownKind.welcome, Buffer.alloc(0))],
    ["an unknown kind of this layer", encodeFrame(0xff, Buffer.alloc(0))],
  ];

  test.each(bad)(
    "%s closes the connection; the good frame before it has counted",
    async (_name, sent) => {
      const node = await started(identity(2), { frameBytesMax: 1000 });
      const socket = await handshaken(node.network.port, identity(1), 2);
      const good = encodeFrame(1, bytes("good"));
      socket.write(Buffer.concat([good, sent, good]));
      await closed(socket);
      expect(node.frames).toEqual([{ from: 1, kind: 1, body: "good" }]);
    },
  );

  test("the largest frame passes, one byte more does not", async () => {
    const node = await started(identity(2), { frameBytesMax: 1000 });
    const socket = await handshaken(node.network.port, identity(1), 2);
    socket.write(encodeFrame(1, Buffer.alloc(1000)));
    await node.until(() => node.frames.length === 1);
    socket.write(encodeFrame(1, Buffer.alloc(1001)));
    await closed(socket);
    expect(node.frames).toHaveLength(1);
  });

  test("half a frame and then the end: nothing of it is passed on", async () => {
    const node = await started(identity(2));
    const socket = await handshaken(node.network.port, identity(1), 2);
    socket.end(encodeFrame(1, bytes("a whole frame")).subarray(0, 15));
    await node.logged("node 1 no longer sends");
    expect(node.frames).toEqual([]);
  });

  test("half a frame and then silence is closed", async () => {
    const node = await started(identity(2), { pingMs: 5, silentPingsMax: 3 });
    const socket = await handshaken(node.network.port, identity(1), 2);
    socket.write(encodeFrame(1, bytes("a whole frame")).subarray(0, 15));
    await closed(socket);
    expect(node.lines.at(-1)).toContain("silent");
  });

  test("frames sent behind the proof, before the welcome, are not lost or misread", async () => {
    const node = await started(identity(2));
    const socket = await rawSocket(node.network.port);
    socket.write(hello(1, 2));
    await new Promise((resolve) => socket.once("data", resolve));
    const early = encodeFrame(1, bytes("early"));
    socket.write(Buffer.concat([encodeFrame(ownKind.proof, Buffer.alloc(0)), early]));
    await node.until(() => node.frames.length === 1);
    expect(node.frames[0]?.body).toBe("early");
  });

  test("a peer cannot send to the side that dialled it", async () => {
    const node = await started(identity(1));
    const server = createServer((socket) => {
      const handshake = new AcceptorHandshake(identity(2));
      const decoder = new FrameDecoder(4096, (kind, body) => {
        const step = handshake.receive(kind, body);
        if (step.send !== null) socket.write(step.send);
        if (step.state === "done") socket.write(encodeFrame(1, bytes("for you")));
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
  const secured = (id: number) => identity(id, "secret");
  const node = await started(secured(2), { handshakeMs: 20 });
  const good = await handshaken(node.network.port, secured(1), 2);
  const said = new DiallerHandshake(secured(3), asNode(2)).start();
  const conversation = Buffer.concat([said, encodeFrame(ownKind.proof, Buffer.alloc(32))]);
  const garbage = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }).map((list) => Buffer.from(list)),
    fc
      .tuple(fc.nat(conversation.length - 1), fc.integer({ min: 1, max: 255 }))
      .map(([at, mask]) => flipped(conversation, at, mask)),
  );
  const property = fc.asyncProperty(garbage, async (sent) => {
    const socket = await rawSocket(node.network.port);
    socket.write(Buffer.concat([sent, encodeFrame(1, bytes("planted"))]));
    await closed(socket);
  });
  await fc.assert(property, { numRuns: 300, seed: 20 });
  good.write(encodeFrame(1, bytes("still here")));
  await node.until(() => node.frames.length > 0);
  expect(node.frames).toEqual([{ from: 1, kind: 1, body: "still here" }]);
});

function flipped(frame: Buffer, at: number, mask = 1): Buffer {
  const copy = Buffer.from(frame);
  copy.writeUInt8(copy.readUInt8(at) ^ mask, at);
  return copy;
}
