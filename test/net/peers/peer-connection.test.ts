// One connection over a socket made of memory: what the network's timing never shows.

import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { peerUnreadBytesMax } from "../../../src/constants.ts";
import { AcceptorHandshake, DiallerHandshake } from "../../../src/net/peers/handshake.ts";
import { PeerConnection } from "../../../src/net/peers/peer-connection.ts";
import { defaultPeerLimits } from "../../../src/net/peers/peer-options.ts";
import { encodeWhole, headBytes, PieceDecoder } from "../../../src/net/peers/piece.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { identity, turn } from "./support.ts";

const limits = { ...defaultPeerLimits, pieceBytesMax: 1000, windowBytes: 2 * (1000 + headBytes) };

/** Node 1 dials node 2 over memory, and reads answers until the handshake is done; then none. */
function dialled() {
  let isReading = true;
  const handshake = new DiallerHandshake(identity(1), asNode(2));
  const decoder = new PieceDecoder(4096, (kind, _flags, body) => {
    const step = handshake.receive(kind, body);
    if (step.send !== null) stream.push(step.send);
    return true;
  });
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      if (!isReading) return; // Whatever is written now is never taken.
      decoder.push(chunk);
      done();
    },
  });
  const noop = () => socket;
  const socket = Object.assign(stream, {
    setNoDelay: noop,
    setKeepAlive: noop,
  }) as unknown as Socket;
  const seen = { frames: 0, reason: "", isReady: false };
  const side = { role: "acceptor", handshake: new AcceptorHandshake(identity(2)) } as const;
  const connection = new PeerConnection(socket, side, limits, {
    ready: () => {
      seen.isReady = true;
    },
    frame: () => {
      seen.frames += 1;
    },
    removed: () => undefined,
    closed: ({ reason }) => {
      seen.reason = reason;
    },
  });
  connection.start();
  stream.push(handshake.start());
  return {
    seen,
    connection,
    push: (bytes: Buffer) => stream.push(bytes),
    stopReading: () => {
      isReading = false;
    },
  };
}

test("a dialler that sends and never reads an answer is left when so much is unread", async () => {
  const peer = dialled();
  while (!peer.seen.isReady) await turn();
  peer.stopReading();
  const frame = encodeWhole(0x80, Buffer.alloc(1000));
  const chunk = Buffer.concat([frame, frame]);
  const answerBytes = headBytes + 8;
  let rounds = 0;
  for (; peer.seen.reason === "" && rounds < peerUnreadBytesMax; rounds += 1) {
    peer.push(chunk);
    await turn();
  }
  expect(peer.seen.reason).toBe("the peer reads no answers");
  expect(Math.abs(rounds - peerUnreadBytesMax / answerBytes)).toBeLessThan(3);
});
