// RAFT ADD, REMOVE and TRANSFER asked at any node: put to the leader, and to the next one if it is lost.

import { readU53, writeU53 } from "../../bytes.ts";
import { adminRequestsMax, leaderWaitMs, tickMs } from "../../constants.ts";
import type { NodeId } from "../../raft/core/types.ts";
import { encodeReply } from "../../resp/encode-reply.ts";
import { errors } from "../../resp/errors.ts";
import { ok, type Reply } from "../../resp/reply.ts";
import { ReplyDecoder } from "../../resp/reply-decoder.ts";
import { frameKind, type Peers } from "../frames.ts";
import { LifeNumbers } from "../life-numbers.ts";
import { adminErrors } from "./admin-errors.ts";
import { directoryPattern, type MemberHome } from "./member-address.ts";
import type { MembershipAdmin } from "./membership-admin.ts";
import type { AdminRequest } from "./membership-plan.ts";

/** Bytes before the JSON or RESP text: the asking node's own number of the question. */
const numberBytes = 8;
/** A question that is not answered by then is put again: a connection may have been lost. */
const repeatTicks = 2_000 / tickMs;
const deadlineTicks = leaderWaitMs / tickMs;

interface Question {
  readonly number: number;
  readonly request: AdminRequest;
  readonly resolve: (reply: Reply) => void;
  ticks: number;
  /** The leader that was asked last; null while nobody was. */
  asked: NodeId | null;
}

export class AdminDesk {
  readonly #peers: Pick<Peers, "send">;
  readonly #admin: MembershipAdmin;
  readonly #leader: () => NodeId | null;
  readonly #open = new Map<number, Question>();
  readonly #numbers: LifeNumbers;

  constructor(
    node: { readonly peers: Pick<Peers, "send">; readonly incarnation: number },
    admin: MembershipAdmin,
    leader: () => NodeId | null,
  ) {
    this.#peers = node.peers;
    this.#numbers = new LifeNumbers(node.incarnation);
    this.#admin = admin;
    this.#leader = leader;
  }

  /** The operator's question. No leader for too long leaves the outcome unknown, if one was asked. */
  ask(request: AdminRequest): Promise<Reply> {
    if (this.#admin.isRemoved) return Promise.resolve(adminErrors.removed);
    return new Promise((resolve) => {
      const number = this.#numbers.next();
      const question: Question = { number, request, resolve, ticks: 0, asked: null };
      this.#open.set(number, question);
      this.#put(question);
    });
  }

  /** A follower's question. A node that does not lead stays silent: the follower puts the question to the next leader. */
  asked(from: NodeId, body: Buffer): void {
    const request = decodeRequest(body);
    if (request === null || this.#leader() !== this.#admin.self) return;
    if (this.#admin.openRequests >= adminRequestsMax) return;
    const number = Buffer.from(body.subarray(0, numberBytes));
    void this.#admin.run(request).then((reply) => {
      if (reply === null) return;
      const text = Buffer.from(encodeReply(reply, 2), "latin1");
      this.#peers.send(from, frameKind.adminReply, [number, text]);
    });
  }

  answered(body: Buffer): void {
    if (body.length < numberBytes) return;
    const question = this.#open.get(readU53(body, 0));
    if (question === undefined) return;
    const decoder = new ReplyDecoder(
      (reply) => this.#settle(question, reply),
      () => this.#settle(question, adminErrors.unreadableAnswer),
    );
    decoder.push(body.subarray(numberBytes));
  }

  /** A new leader, or a new term of the old one: what was asked before may never be answered. */
  leaderChanged(): void {
    const leader = this.#leader();
    if (leader === null) return;
    for (const question of this.#open.values()) {
      if (question.request.verb === "transfer" && question.asked !== null) {
        this.#settle(question, afterTransfer(question.request.id, question.asked, leader));
      } else this.#put(question);
    }
  }

  /** Every `tickMs`. */
  tick(): void {
    this.#admin.tick();
    for (const question of this.#open.values()) {
      question.ticks += 1;
      if (this.#admin.isRemoved) this.#settle(question, this.#afterRemoval(question));
      else if (question.ticks >= deadlineTicks) {
        const unasked = question.asked === null;
        this.#settle(question, unasked ? errors.clusterDown : adminErrors.unknownOutcome);
      } else if (question.ticks % repeatTicks === 0 && question.request.verb !== "transfer") {
        this.#put(question);
      }
    }
  }

  /** Once more does no harm: the leader answers a request that was carried out as it did before. */
  #put(question: Question): void {
    const leader = this.#leader();
    if (leader === null) return;
    if (leader === this.#admin.self) {
      question.asked = leader;
      void this.#admin.run(question.request).then((reply) => {
        if (reply !== null) this.#settle(question, reply);
      });
      return;
    }
    const words = Buffer.from(JSON.stringify(question.request));
    const body = [encodeNumber(question.number), words];
    if (this.#peers.send(leader, frameKind.admin, body)) question.asked = leader;
  }

  /**
   * The reply once this node is removed: its removal may be what was asked for; nobody answers anything else any
   * more.
   */
  #afterRemoval({ request, asked }: Question): Reply {
    if (request.verb === "remove" && request.id === this.#admin.self) return ok;
    return asked === null ? adminErrors.removed : adminErrors.unknownOutcome;
  }

  #settle(question: Question, reply: Reply): void {
    if (this.#open.delete(question.number)) question.resolve(reply);
  }
}

/** A transfer ends with a leader: the one that was wanted, any other one when none was named. */
function afterTransfer(wanted: number | null, before: NodeId, now: NodeId): Reply {
  if (now === wanted || (wanted === null && now !== before)) return ok;
  return adminErrors.anotherLeads(now);
}

function encodeNumber(number: number): Buffer {
  const bytes = Buffer.allocUnsafe(numberBytes);
  writeU53(bytes, number, 0);
  return bytes;
}

function isHome({ peer, client, directory }: Partial<Record<keyof MemberHome, unknown>>): boolean {
  if (typeof peer !== "string" || typeof client !== "string") return false;
  return (
    directory === undefined || (typeof directory === "string" && directoryPattern.test(directory))
  );
}

function decodeRequest(body: Buffer): AdminRequest | null {
  if (body.length < numberBytes) return null;
  try {
    const request = JSON.parse(body.toString("utf8", numberBytes)) as AdminRequest;
    switch (request.verb) {
      case "add":
        return isHome(request) ? request : null;
      case "remove":
        return Number.isSafeInteger(request.id) ? request : null;
      case "transfer":
        return request.id === null || Number.isSafeInteger(request.id) ? request : null;
      default:
        return null;
    }
  } catch {
    return null;
  }
}
