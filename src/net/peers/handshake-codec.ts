// The messages of the peer handshake as bytes: what is said, in which order, and the proof of the secret.

import { createHmac } from "node:crypto";
import { assert } from "../../assert.ts";
import { readU53, writeU53 } from "../../bytes.ts";
import { asNode, type NodeId } from "../../raft/core/types.ts";

/** Raised when frames or their meaning change; peers of another version are refused. */
export const peerProtocolVersion = 3;

/** Kinds of frames that belong to this layer. */
export const ownKind = {
  hello: 0xf0,
  challenge: 0xf1,
  proof: 0xf2,
  welcome: 0xf3,
  reject: 0xf4,
  ping: 0xf5,
  pong: 0xf6,
  /** Acceptor to dialler, after the handshake: you are no member any more. */
  removed: 0xf7,
  /** Acceptor to dialler: bytes of bulk pieces that it has taken since the connection began, u53. */
  taken: 0xf8,
} as const;

export const nonceBytes = 32;
const magic = "KVRM";
const reasonBytesMax = 200;

/** Dialler to acceptor, first frame: who is calling whom. */
export interface Hello {
  readonly version: number;
  readonly secured: boolean;
  readonly clusterId: string;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly incarnation: number;
  readonly nonce: Buffer;
}

/** Acceptor to dialler, first frame. */
export interface Challenge {
  readonly from: NodeId;
  readonly incarnation: number;
  readonly nonce: Buffer;
}

/** magic, u16 version, u8 secured, u53 from, u53 to, u53 incarnation, nonce, cluster id to the end. Little endian. */
const helloFixedBytes = 4 + 2 + 1 + 8 + 8 + 8 + nonceBytes;
/** u53 from, u53 incarnation, nonce. */
const challengeBytes = 8 + 8 + nonceBytes;

export function encodeHello(hello: Hello): Buffer {
  assert(hello.nonce.length === nonceBytes, "a nonce has its full length");
  const bytes = Buffer.alloc(helloFixedBytes + hello.clusterId.length);
  bytes.write(magic, 0, "latin1");
  bytes.writeUInt16LE(hello.version, 4);
  bytes.writeUInt8(hello.secured ? 1 : 0, 6);
  writeU53(bytes, hello.from, 7);
  writeU53(bytes, hello.to, 15);
  writeU53(bytes, hello.incarnation, 23);
  hello.nonce.copy(bytes, 31);
  bytes.write(hello.clusterId, helloFixedBytes, "latin1");
  return bytes;
}

/**
 * The version that a hello names; null when the bytes are no hello. Every later format keeps the version in this
 * place.
 */
export function helloVersion(bytes: Buffer): number | null {
  if (bytes.length < 6 || bytes.toString("latin1", 0, 4) !== magic) return null;
  return bytes.readUInt16LE(4);
}

/** The first piece of a peer of version 1: u32 length, u32 CRC, u8 kind, and then its hello; all big endian. */
const formerHelloOffset = 9;
const formerVersion = 1;

/** Whether the first bytes of a connection are the hello of a peer of version 1, whose pieces had another layout. */
export function isFormerHello(start: Buffer): boolean {
  const versionAt = formerHelloOffset + magic.length;
  if (start.length < versionAt + 2 || start[formerHelloOffset - 1] !== ownKind.hello) return false;
  return (
    start.toString("latin1", formerHelloOffset, versionAt) === magic &&
    start.readUInt16BE(versionAt) === formerVersion
  );
}

export function otherVersion(version: number): string {
  return `peer protocol version ${version}, and this node speaks ${peerProtocolVersion}`;
}

export const formerHelloReason = otherVersion(formerVersion);

/** Null when the bytes are no hello of this version. */
export function decodeHello(bytes: Buffer): Hello | null {
  if (helloVersion(bytes) !== peerProtocolVersion || bytes.length <= helloFixedBytes) return null;
  const secured = bytes.readUInt8(6);
  const from = readU53(bytes, 7);
  const to = readU53(bytes, 15);
  const incarnation = readU53(bytes, 23);
  if (secured > 1 || from < 0 || to < 0 || incarnation < 0) return null;
  return {
    version: peerProtocolVersion,
    secured: secured === 1,
    from: asNode(from),
    to: asNode(to),
    incarnation,
    nonce: Buffer.from(bytes.subarray(31, helloFixedBytes)),
    clusterId: bytes.toString("latin1", helloFixedBytes),
  };
}

export function encodeChallenge(challenge: Challenge): Buffer {
  assert(challenge.nonce.length === nonceBytes, "a nonce has its full length");
  const bytes = Buffer.alloc(challengeBytes);
  writeU53(bytes, challenge.from, 0);
  writeU53(bytes, challenge.incarnation, 8);
  challenge.nonce.copy(bytes, 16);
  return bytes;
}

export function decodeChallenge(bytes: Buffer): Challenge | null {
  if (bytes.length !== challengeBytes) return null;
  const from = readU53(bytes, 0);
  const incarnation = readU53(bytes, 8);
  if (from < 0 || incarnation < 0) return null;
  return { from: asNode(from), incarnation, nonce: Buffer.from(bytes.subarray(16)) };
}

/** A reason is one printable line, because the other side shows it in its log. */
export function encodeReason(reason: string): Buffer {
  return Buffer.from(reason.slice(0, reasonBytesMax), "latin1");
}

export function decodeReason(bytes: Buffer): string {
  return bytes.toString("latin1", 0, reasonBytesMax).replace(/[^\x20-\x7e]/g, "?");
}

/**
 * HMAC-SHA256 over the role and both first messages: both ids, both incarnations, both nonces, the cluster and the
 * version. The role keeps one side's proof from being sent back as the other's.
 *
 * The dialler proves itself first, to whoever answers at the peer's address and claims its id. So a stranger may get
 * a proof against which it can try secrets without asking anybody. One side has to begin; therefore a secret has at
 * least `peerSecretCharsMin` characters, too many to try them all.
 */
export function proofOf(
  secret: string,
  role: "dialler" | "acceptor",
  said: { readonly hello: Buffer; readonly challenge: Buffer },
): Buffer {
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32LE(said.hello.length, 0);
  sizes.writeUInt32LE(said.challenge.length, 4);
  return createHmac("sha256", Buffer.from(secret, "latin1"))
    .update(`kvorum peer ${role}\0`, "latin1")
    .update(sizes)
    .update(said.hello)
    .update(said.challenge)
    .digest();
}
