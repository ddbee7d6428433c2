// Strangers on the peer port, by the hundred: a peer's handshake passes, and wrong secrets cost a pause.

import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import {
  peerUnprovenMax,
  wrongProofAddressesMax,
  wrongProofPauseMaxMs,
  wrongProofPauseMs,
} from "../../../src/constants.ts";
import { DiallerHandshake } from "../../../src/net/peers/handshake.ts";
import type { PeerConnection } from "../../../src/net/peers/peer-connection.ts";
import { encodeWhole, PieceDecoder } from "../../../src/net/peers/piece.ts";
import { Unproven } from "../../../src/net/peers/unproven.ts";
import { WrongProofs } from "../../../src/net/peers/wrong-proofs.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import {
  closed,
  handshaken,
  identity,
  type Recorded,
  rawSocket,
  started,
  turn,
} from "./support.ts";

const secret = "a secret of the tests";
const secured = (id: number) => identity(id, secret);

/** Node 1 on a network so slow that `meanwhile` happens between the challenge and its answer. */
async function handshakeDuring(node: Recorded, meanwhile: () => Promise<void>): Promise<Socket> {
  const socket = await rawSocket(node.network.port);
  const handshake = new DiallerHandshake(secured(1), asNode(2));
  await new Promise<void>((resolve, reject) => {
    const answer = async (kind: number, body: Buffer) => {
      const step = handshake.receive(kind, body);
      if (step.state === "done") resolve();
      if (step.state !== "continue") return;
      await meanwhile();
      socket.write(step.send);
    };
    const decoder = new PieceDecoder(4096, (kind, _flags, body) => {
      answer(kind, Buffer.from(body)).catch(reject);
      return true;
    });
    socket.on("data", (chunk) => decoder.push(chunk));
    socket.on("close", () => reject(new Error("the handshake was cut off")));
    socket.write(handshake.start());
  });
  return socket;
}

/** So many silent connections, from addresses of their own or from one; and so many of them are turned away. */
async function flood(node: Recorded, from: (at: number) => string): Promise<void> {
  const strangers = Array.from({ length: 200 }, (_, at) => rawSocket(node.network.port, from(at)));
  await Promise.all(strangers);
  while (node.network.refusals < 200 - peerUnprovenMax) await turn();
}

describe("a handshake passes during a flood", () => {
  test.each([
    ["from one other address", () => "127.0.0.9"],
    ["from the peer's own address", () => "127.0.0.1"],
    ["from an address for each", (at: number) => `127.0.1.${at + 1}`],
  ])("%s", async (_name, from) => {
    const node = await started(secured(2), { handshakeMs: 20_000 });
    const socket = await handshakeDuring(node, () => flood(node, from));
    socket.write(encodeWhole(1, Buffer.from("here")));
    await node.until(() => node.frames.length > 0);
    expect(node.frames.map(({ body }) => body)).toEqual(["here"]);
  });

  test("that comes before its first word, when a member is known to be there", async () => {
    const node = await started(secured(2), { handshakeMs: 20_000 });
    const other = await started(secured(1));
    node.network.setPeers(new Map([[asNode(1), other.address]]));
    await node.saw("connected 1");
    let isOpen = true;
    const early = await rawSocket(node.network.port);
    early.once("close", () => {
      isOpen = false;
    });
    await flood(node, (at) => `127.0.1.${at + 1}`);
    expect(isOpen).toBe(true);
  });

  test("and peers that have proved themselves never make room", async () => {
    const node = await started(secured(2), { unprovenMax: 2, unprovenPerAddressMax: 2 });
    const peers: Socket[] = [];
    for (const id of [1, 3, 4]) peers.push(await handshaken(node.network.port, secured(id), 2));
    await flood(node, () => "127.0.0.1");
    for (const peer of peers) peer.write(encodeWhole(1, Buffer.from("here")));
    await node.until(() => node.frames.length === 3);
  });

  test("and no more peers prove themselves than have a share", async () => {
    const node = await started(secured(2), { provenMax: 2 });
    const first = await handshaken(node.network.port, secured(1), 2);
    await handshaken(node.network.port, secured(3), 2);
    await closed(await handshaken(node.network.port, secured(4), 2));
    await handshaken(node.network.port, secured(1), 2); // Known: it takes its former place.
    await closed(first);
  });
});

describe("who makes room", () => {
  const connection = (hasGreeted: boolean) => ({ hasGreeted }) as PeerConnection;
  const limits = { unprovenMax: 4, unprovenPerAddressMax: 2 };
  const stranger = (address: string) => ({ address, isMember: false });

  test("is nobody while there is room", () => {
    const unproven = new Unproven(limits, () => 0);
    unproven.add(connection(false), stranger("a"));
    expect(unproven.toMakeRoomFor("a")).toBeNull();
  });

  test("is one of the same address when that has its share, a silent one before others", () => {
    const unproven = new Unproven(limits, () => 0.99);
    const [elsewhere, greeted, silent] = [connection(false), connection(true), connection(false)];
    unproven.add(elsewhere, stranger("b"));
    unproven.add(silent, stranger("a"));
    unproven.add(greeted, stranger("a"));
    expect(unproven.toMakeRoomFor("a")).toBe(silent);
    unproven.delete(silent);
    unproven.add(connection(true), stranger("a"));
    expect(unproven.toMakeRoomFor("a")).not.toBe(elsewhere);
  });

  test("is no member's connection when strangers from everywhere are too many", () => {
    for (const random of [0, 0.25, 0.5, 0.75, 0.99]) {
      const unproven = new Unproven(limits, () => random);
      const member = connection(false);
      unproven.add(member, { address: "m", isMember: true });
      for (const address of ["a", "b", "c"]) unproven.add(connection(true), stranger(address));
      const leaving = unproven.toMakeRoomFor("d");
      expect(leaving).not.toBeNull();
      expect(leaving).not.toBe(member);
    }
  });

  test("is decided by chance, so no connection is lost for its age", () => {
    const leaving = [0, 0.3, 0.6, 0.9].map((random) => {
      const unproven = new Unproven(limits, () => random);
      const all = ["a", "b", "c", "d"].map((address) => ({ address, it: connection(false) }));
      for (const { address, it } of all) unproven.add(it, stranger(address));
      return all.findIndex(({ it }) => it === unproven.toMakeRoomFor("e"));
    });
    expect(leaving).toEqual([0, 1, 2, 3]);
  });
});

describe("a wrong proof", () => {
  test("costs its address a pause; a member's address is listened to", async () => {
    const node = await started(secured(2));
    const other = await started(secured(1));
    node.network.setPeers(new Map([[asNode(1), other.address]]));
    await node.saw("connected 1");
    const wrong = async (localAddress: string) => {
      const socket = await rawSocket(node.network.port, localAddress);
      const handshake = new DiallerHandshake(identity(3, `${secret}!`), asNode(2));
      const answers: Buffer[] = [];
      const decoder = new PieceDecoder(4096, (kind, _flags, body) => {
        const step = handshake.receive(kind, body);
        if (step.state === "continue") socket.write(step.send);
        return true;
      });
      socket.on("data", (chunk) => {
        answers.push(chunk);
        decoder.push(chunk);
      });
      socket.write(handshake.start());
      await closed(socket);
      return Buffer.concat(answers).toString("latin1");
    };
    for (const address of ["127.0.0.9", "127.0.0.1", "127.0.0.1"]) {
      expect(await wrong(address)).toContain("the peer secret differs");
    }
    expect(await wrong("127.0.0.9")).toBe("");
    expect(node.network.refusals).toBe(4);
  });

  test("costs twice as much with each further one, up to a limit, until a right one", () => {
    const proofs = new WrongProofs();
    let nowMs = 0;
    for (let count = 0; count < 30; count += 1) {
      proofs.add("a", nowMs);
      const pauseMs = Math.min(wrongProofPauseMaxMs, wrongProofPauseMs * 2 ** count);
      expect(proofs.isPaused("a", nowMs + pauseMs - 1)).toBe(true);
      expect(proofs.isPaused("b", nowMs)).toBe(false);
      nowMs += pauseMs;
      expect(proofs.isPaused("a", nowMs)).toBe(false);
    }
    proofs.add("a", nowMs);
    proofs.forgive("a");
    expect(proofs.isPaused("a", nowMs)).toBe(false);
  });

  test("is remembered of so many addresses, the latest ones", () => {
    const proofs = new WrongProofs();
    for (let at = 0; at < wrongProofAddressesMax; at += 1) proofs.add(`a${at}`, 0);
    proofs.add("a0", 0);
    proofs.add("new", 0);
    expect(proofs.size).toBe(wrongProofAddressesMax);
    expect(proofs.isPaused("a0", 1)).toBe(true);
    expect(proofs.isPaused("a1", 1)).toBe(false);
  });
});
