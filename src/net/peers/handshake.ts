// Both sides of the peer handshake as state machines without sockets: frames in, frames and a verdict out.

import { randomBytes, timingSafeEqual } from "node:crypto";
import { assert } from "../../assert.ts";
import type { NodeId } from "../../raft/core/types.ts";
import {
  decodeChallenge,
  decodeHello,
  decodeReason,
  encodeChallenge,
  encodeHello,
  encodeReason,
  helloVersion,
  nonceBytes,
  otherVersion,
  ownKind,
  peerProtocolVersion,
  proofOf,
} from "./handshake-codec.ts";
import type { PeerIdentity } from "./peer-options.ts";
import { encodeWhole } from "./piece.ts";

/** What a received frame leads to. `send` is a whole frame in its piece. */
export type HandshakeStep =
  | { readonly state: "continue"; readonly send: Buffer }
  | {
      readonly state: "done";
      readonly send: Buffer | null;
      readonly peer: NodeId;
      readonly incarnation: number;
    }
  /** `told`: the reason came from the other side. Send what there is to send, then close. */
  | {
      readonly state: "refused";
      readonly send: Buffer | null;
      readonly reason: string;
      readonly told: boolean;
      /** The other side has tried to prove a secret that is not ours. */
      readonly wrongProof: boolean;
    };

type RefusedStep = Extract<HandshakeStep, { state: "refused" }>;

const empty = Buffer.alloc(0);

/** The side that connected: hello → challenge → proof → welcome. */
export class DiallerHandshake {
  readonly #identity: PeerIdentity;
  readonly #hello: Buffer;
  readonly #expected: NodeId;
  #challenge: Buffer | null = null;
  #incarnation = 0;

  constructor(identity: PeerIdentity, expected: NodeId) {
    this.#identity = identity;
    this.#expected = expected;
    this.#hello = encodeHello({
      version: peerProtocolVersion,
      secured: identity.secret !== null,
      clusterId: identity.clusterId,
      from: identity.nodeId,
      to: expected,
      incarnation: identity.incarnation,
      nonce: randomBytes(nonceBytes),
    });
  }

  /** The first frame on the connection. */
  start(): Buffer {
    return encodeWhole(ownKind.hello, this.#hello);
  }

  receive(kind: number, body: Buffer): HandshakeStep {
    if (kind === ownKind.reject) return refusedByPeer(body);
    if (kind === ownKind.challenge && this.#challenge === null) return this.#answer(body);
    if (kind === ownKind.welcome && this.#challenge !== null) return this.#finish(body);
    return refuse("an unexpected frame in the handshake");
  }

  #answer(body: Buffer): HandshakeStep {
    const challenge = decodeChallenge(body);
    if (challenge === null) return refuse("a malformed challenge");
    if (challenge.from !== this.#expected) {
      return refuse(
        `expected node ${this.#expected} at this address, found node ${challenge.from}`,
      );
    }
    this.#challenge = Buffer.from(body);
    this.#incarnation = challenge.incarnation;
    const { secret } = this.#identity;
    const said = { hello: this.#hello, challenge: this.#challenge };
    const proof = secret === null ? empty : proofOf(secret, "dialler", said);
    return { state: "continue", send: encodeWhole(ownKind.proof, proof) };
  }

  #finish(body: Buffer): HandshakeStep {
    assert(this.#challenge !== null, "a welcome is read after the challenge");
    const said = { hello: this.#hello, challenge: this.#challenge };
    if (!proves(this.#identity.secret, "acceptor", { said, proof: body })) {
      return refuse("the peer secret differs");
    }
    return { state: "done", send: null, peer: this.#expected, incarnation: this.#incarnation };
  }
}

/** The side that was connected to. The dialler has to prove itself first. */
export class AcceptorHandshake {
  readonly #identity: PeerIdentity;
  #said: { readonly hello: Buffer; readonly challenge: Buffer } | null = null;
  #peer: { readonly id: NodeId; readonly incarnation: number } | null = null;

  constructor(identity: PeerIdentity) {
    this.#identity = identity;
  }

  receive(kind: number, body: Buffer): HandshakeStep {
    if (kind === ownKind.reject) return refusedByPeer(body);
    if (kind === ownKind.hello && this.#said === null) return this.#challengeTo(body);
    if (kind === ownKind.proof && this.#said !== null) return this.#finish(body);
    return silent("not a peer: no handshake");
  }

  #challengeTo(body: Buffer): HandshakeStep {
    const version = helloVersion(body);
    if (version === null) return silent("not a peer: no handshake");
    if (version !== peerProtocolVersion) return refuse(otherVersion(version));
    const hello = decodeHello(body);
    if (hello === null) return refuse("a malformed hello");
    const { clusterId, nodeId, incarnation, secret } = this.#identity;
    if (hello.clusterId !== clusterId) return refuse("this node belongs to another cluster");
    if (hello.from === nodeId) return refuse(`node id ${nodeId} is this node's own`);
    if (hello.from === 0) return refuse("node id 0 is nobody's");
    if (hello.to !== nodeId) return refuse(`this is node ${nodeId}, not node ${hello.to}`);
    if (hello.secured && secret === null) return refuse("this node has no peer secret");
    if (!hello.secured && secret !== null) return refuse("this node asks for a peer secret");
    const nonce = randomBytes(nonceBytes);
    const challenge = encodeChallenge({ from: nodeId, incarnation, nonce });
    this.#said = { hello: Buffer.from(body), challenge };
    this.#peer = { id: hello.from, incarnation: hello.incarnation };
    return { state: "continue", send: encodeWhole(ownKind.challenge, challenge) };
  }

  #finish(body: Buffer): HandshakeStep {
    const said = this.#said;
    const peer = this.#peer;
    assert(said !== null && peer !== null, "a proof is read after the hello");
    const { secret } = this.#identity;
    if (!proves(secret, "dialler", { said, proof: body })) {
      return { ...refuse("the peer secret differs"), wrongProof: true };
    }
    const proof = secret === null ? empty : proofOf(secret, "acceptor", said);
    const send = encodeWhole(ownKind.welcome, proof);
    return { state: "done", send, peer: peer.id, incarnation: peer.incarnation };
  }
}

/** Compares proofs in constant time, so that the time taken does not tell where they differ. */
function proves(
  secret: string | null,
  role: "dialler" | "acceptor",
  claim: { readonly said: { readonly hello: Buffer; readonly challenge: Buffer }; proof: Buffer },
): boolean {
  if (secret === null) return claim.proof.length === 0;
  const expected = proofOf(secret, role, claim.said);
  return claim.proof.length === expected.length && timingSafeEqual(claim.proof, expected);
}

function refuse(reason: string): RefusedStep {
  const send = encodeWhole(ownKind.reject, encodeReason(reason));
  return { state: "refused", send, reason, told: false, wrongProof: false };
}

/** A refusal that is not told to the other side, because it is no peer. */
function silent(reason: string): HandshakeStep {
  return { state: "refused", send: null, reason, told: false, wrongProof: false };
}

function refusedByPeer(body: Buffer): HandshakeStep {
  const reason = decodeReason(body);
  return { state: "refused", send: null, reason, told: true, wrongProof: false };
}
