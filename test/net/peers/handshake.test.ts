import { describe, expect, test } from "vitest";
import {
  AcceptorHandshake,
  DiallerHandshake,
  type HandshakeStep,
} from "../../../src/net/peers/handshake.ts";
import { encodeHello, ownKind, proofOf } from "../../../src/net/peers/handshake-codec.ts";
import type { PeerIdentity } from "../../../src/net/peers/peer-options.ts";
import { PieceDecoder } from "../../../src/net/peers/piece.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { clusterId, identity } from "./support.ts";

const secret = "a shared secret";

/** The only frame in these bytes. */
function parse(bytes: Buffer): { kind: number; body: Buffer } {
  const frames: { kind: number; body: Buffer }[] = [];
  new PieceDecoder(4096, (kind, _flags, body) => frames.push({ kind, body }) > 0).push(bytes);
  const [frame] = frames;
  if (frame === undefined) throw new Error("no frame");
  return frame;
}

/** Runs both sides against each other; the last step of each. */
function meet(dialler: PeerIdentity, acceptor: PeerIdentity, expected = acceptor.nodeId) {
  const calling = new DiallerHandshake(dialler, expected);
  const called = new AcceptorHandshake(acceptor);
  const steps: { dialler: HandshakeStep | null; acceptor: HandshakeStep | null } = {
    dialler: null,
    acceptor: null,
  };
  let wire: Buffer | null = calling.start();
  for (let turn = 0; wire !== null; turn += 1) {
    const { kind, body } = parse(wire);
    const side = turn % 2 === 0 ? "acceptor" : "dialler";
    const step = (side === "acceptor" ? called : calling).receive(kind, body);
    steps[side] = step;
    wire = step.send;
  }
  return steps;
}

describe("two nodes of one cluster", () => {
  test.each([null, secret])("know each other after the handshake (secret %s)", (shared) => {
    const steps = meet(
      { ...identity(1, shared), incarnation: 7 },
      { ...identity(2, shared), incarnation: 9 },
    );
    expect(steps.acceptor).toMatchObject({ state: "done", peer: 1, incarnation: 7 });
    expect(steps.dialler).toMatchObject({ state: "done", peer: 2, incarnation: 9 });
  });
});

describe("is refused with a reason that reaches the caller:", () => {
  const cases: [string, PeerIdentity, PeerIdentity, string][] = [
    ["another cluster", { ...identity(1), clusterId: "other" }, identity(2), "another cluster"],
    ["the node's own id", identity(2), identity(2), "own"],
    ["a missing secret", identity(1), identity(2, secret), "asks for a peer secret"],
    ["a secret too many", identity(1, secret), identity(2), "has no peer secret"],
    ["a wrong secret", identity(1, "a shared secreT"), identity(2, secret), "secret differs"],
    ["node id 0", identity(0), identity(2), "node id 0"],
  ];
  test.each(cases)("%s", (_name, dialler, acceptor, reason) => {
    const steps = meet(dialler, acceptor);
    expect(steps.acceptor).toMatchObject({ state: "refused", told: false });
    expect(steps.dialler).toMatchObject({ state: "refused", told: true });
    expect(steps.dialler?.state === "refused" && steps.dialler.reason).toContain(reason);
  });

  test("a call for another node", () => {
    const steps = meet(identity(1), identity(3), asNode(2));
    expect(steps.dialler).toMatchObject({ reason: "this is node 3, not node 2", told: true });
  });

  test("another version of the protocol, before anything else of the hello is read", () => {
    const hello = Buffer.concat([Buffer.from("KVRM"), Buffer.from([99, 0])]);
    const step = new AcceptorHandshake(identity(2)).receive(ownKind.hello, hello);
    expect(step).toMatchObject({
      state: "refused",
      reason: "peer protocol version 99, and this node speaks 3",
    });
    expect(step.send).not.toBeNull();
  });
});

describe("with a secret", () => {
  test("a recorded proof is worth nothing on a new connection", () => {
    const dialler = new DiallerHandshake(identity(1, secret), asNode(2));
    const first = new AcceptorHandshake(identity(2, secret));
    const hello = parse(dialler.start());
    const challenge = first.receive(hello.kind, hello.body);
    const answer = dialler.receive(ownKind.challenge, parse(challenge.send ?? hello.body).body);
    const proof = parse(answer.send ?? hello.body);
    expect(first.receive(proof.kind, proof.body).state).toBe("done");

    const second = new AcceptorHandshake(identity(2, secret));
    expect(second.receive(hello.kind, hello.body).state).toBe("continue");
    expect(second.receive(proof.kind, proof.body)).toMatchObject({
      state: "refused",
      reason: "the peer secret differs",
    });
  });

  test("one side's proof does not serve as the other's", () => {
    const said = { hello: Buffer.from("h"), challenge: Buffer.from("c") };
    expect(proofOf(secret, "dialler", said)).not.toEqual(proofOf(secret, "acceptor", said));
  });

  test("the bytes of the two messages cannot be shifted between them", () => {
    const one = { hello: Buffer.from("ab"), challenge: Buffer.from("c") };
    const other = { hello: Buffer.from("a"), challenge: Buffer.from("bc") };
    expect(proofOf(secret, "dialler", one)).not.toEqual(proofOf(secret, "dialler", other));
  });

  test("an acceptor that cannot prove itself is left", () => {
    const dialler = new DiallerHandshake(identity(1, secret), asNode(2));
    const impostor = new AcceptorHandshake(identity(2, secret));
    const hello = parse(dialler.start());
    const challenge = impostor.receive(hello.kind, hello.body);
    dialler.receive(ownKind.challenge, parse(challenge.send ?? hello.body).body);
    expect(dialler.receive(ownKind.welcome, Buffer.alloc(32))).toMatchObject({
      state: "refused",
      reason: "the peer secret differs",
    });
  });

  test("without a proof nothing is welcome", () => {
    const acceptor = new AcceptorHandshake(identity(2, secret));
    const hello = parse(new DiallerHandshake(identity(1, secret), asNode(2)).start());
    acceptor.receive(hello.kind, hello.body);
    expect(acceptor.receive(ownKind.proof, Buffer.alloc(0)).state).toBe("refused");
  });
});

describe("a frame out of order", () => {
  test.each([ownKind.proof, ownKind.welcome, ownKind.ping, 1])(
    "of kind %i ends the acceptor's side without an answer",
    (kind) => {
      const step = new AcceptorHandshake(identity(2)).receive(kind, Buffer.alloc(40));
      expect(step).toMatchObject({ state: "refused", send: null });
    },
  );

  test("such as a welcome before the challenge ends the dialler's side", () => {
    const dialler = new DiallerHandshake(identity(1), asNode(2));
    expect(dialler.receive(ownKind.welcome, Buffer.alloc(0)).state).toBe("refused");
  });

  test("such as a second hello ends the acceptor's side", () => {
    const acceptor = new AcceptorHandshake(identity(2));
    const hello = parse(new DiallerHandshake(identity(1), asNode(2)).start());
    expect(acceptor.receive(hello.kind, hello.body).state).toBe("continue");
    expect(acceptor.receive(hello.kind, hello.body).state).toBe("refused");
  });
});

test("ids and incarnations beyond 2^53 are malformed", () => {
  const hello = encodeHello({
    version: 3,
    secured: false,
    clusterId,
    from: asNode(1),
    to: asNode(2),
    incarnation: 1,
    nonce: Buffer.alloc(32),
  });
  for (const at of [7, 15, 23]) {
    for (const value of [2n ** 53n, 2n ** 64n - 1n]) {
      const changed = Buffer.from(hello);
      changed.writeBigUInt64LE(value, at);
      const step = new AcceptorHandshake(identity(2)).receive(ownKind.hello, changed);
      expect(step).toMatchObject({ state: "refused", reason: "a malformed hello" });
    }
  }
});
