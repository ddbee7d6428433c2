// RAFT ADD, REMOVE and TRANSFER asked at any node: run here when this node leads, else at the leader.

import type { NodeId } from "../raft/core/types.ts";
import { encodeReply } from "../resp/encode-reply.ts";
import { errors } from "../resp/errors.ts";
import { ErrorReply, type Reply } from "../resp/reply.ts";
import { ReplyDecoder } from "../resp/reply-decoder.ts";
import { frameKind } from "./frames.ts";
import type { AdminRequest, MembershipAdmin } from "./membership-admin.ts";

interface Peers {
  send(to: NodeId, kind: number, body: readonly Uint8Array[]): boolean;
}

/** Bytes before the JSON or RESP text: the asking node's own number of the question. */
const numberBytes = 8;

export class AdminDesk {
  readonly #peers: Peers;
  readonly #admin: MembershipAdmin;
  readonly #leader: () => NodeId | "self" | null;
  readonly #open = new Map<number, (reply: Reply) => void>();
  #lastNumber = 0;

  constructor(peers: Peers, admin: MembershipAdmin, leader: () => NodeId | "self" | null) {
    this.#peers = peers;
    this.#admin = admin;
    this.#leader = leader;
  }

  /** The operator's question. A leader that is lost on the way leaves the outcome unknown. */
  ask(request: AdminRequest): Promise<Reply> {
    const leader = this.#leader();
    if (leader === "self") return this.#admin.run(request);
    if (leader === null) return Promise.resolve(errors.clusterDown);
    const number = ++this.#lastNumber;
    const sent = this.#peers.send(leader, frameKind.admin, [
      encodeNumber(number),
      Buffer.from(JSON.stringify(request)),
    ]);
    if (!sent) return Promise.resolve(errors.clusterDown);
    return new Promise((resolve) => this.#open.set(number, resolve));
  }

  /** A follower's question. */
  asked(from: NodeId, body: Buffer): void {
    const request = decodeRequest(body);
    if (request === null) return;
    const answer = (reply: Reply): void => {
      const text = Buffer.from(encodeReply(reply, 2), "latin1");
      this.#peers.send(from, frameKind.adminReply, [body.subarray(0, numberBytes), text]);
    };
    if (this.#leader() !== "self") answer(errors.clusterDown);
    else void this.#admin.run(request).then(answer);
  }

  answered(body: Buffer): void {
    if (body.length < numberBytes) return;
    const number = body.readDoubleLE(0);
    const resolve = this.#open.get(number);
    if (resolve === undefined) return;
    this.#open.delete(number);
    const decoder = new ReplyDecoder(resolve, () =>
      resolve(new ErrorReply("ERR the leader's answer could not be read")),
    );
    decoder.push(body.subarray(numberBytes));
  }

  /** The leader changed: what was asked of the old one will not be answered. */
  leaderChanged(): void {
    for (const resolve of this.#open.values()) resolve(errors.unknownOutcome);
    this.#open.clear();
  }
}

function encodeNumber(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(numberBytes);
  bytes.writeDoubleLE(number, 0);
  return bytes;
}

function decodeRequest(body: Buffer): AdminRequest | null {
  try {
    const request = JSON.parse(body.toString("utf8", numberBytes)) as AdminRequest;
    switch (request.verb) {
      case "add":
        return typeof request.peer === "string" && typeof request.client === "string"
          ? request
          : null;
      case "remove":
        return typeof request.id === "number" ? request : null;
      case "transfer":
        return request.id === null || typeof request.id === "number" ? request : null;
      default:
        return null;
    }
  } catch {
    return null;
  }
}
