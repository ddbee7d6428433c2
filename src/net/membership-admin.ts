// RAFT ADD, REMOVE, TRANSFER and the promotion of learners: membership as operators see it.

import type { EntryId, Member, NodeId } from "../raft/core/types.ts";
import { asNode } from "../raft/core/types.ts";
import type { RaftDriver } from "../raft/driver.ts";
import { errors } from "../resp/errors.ts";
import { ErrorReply, ok, type Reply } from "../resp/reply.ts";
import { parseEndpoint } from "./endpoint.ts";
import { decodeAddress, encodeAddress } from "./member-address.ts";

/** A request as it travels from a follower to the leader. */
export type AdminRequest =
  | { readonly verb: "add"; readonly peer: string; readonly client: string }
  | { readonly verb: "remove"; readonly id: number }
  | { readonly verb: "transfer"; readonly id: number | null };

/** A learner this close to the leader's log becomes a voter. */
const promotionLagMax = 1_000;

interface Waiting {
  readonly term: number;
  resolve(committed: boolean): void;
}

/** Runs at the leader; answers only after a change is committed. */
export class MembershipAdmin {
  readonly #driver: RaftDriver;
  readonly #clusterId: string;
  readonly #waiting = new Map<number, Waiting>();

  constructor(driver: RaftDriver, clusterId: string) {
    this.#driver = driver;
    this.#clusterId = clusterId;
  }

  /** The reply to the operator; the caller has made sure that this node leads. */
  run(request: AdminRequest): Promise<Reply> {
    switch (request.verb) {
      case "add":
        return this.#add(request.peer, request.client);
      case "remove":
        return this.#remove(asNode(request.id));
      case "transfer":
        return Promise.resolve(this.#transfer(request.id));
    }
  }

  /** Tells whoever waits for an entry whether the one at this index is theirs. */
  applied(index: number, term: number): void {
    const waiting = this.#waiting.get(index);
    if (waiting === undefined) return;
    this.#waiting.delete(index);
    waiting.resolve(waiting.term === term);
  }

  /** Called now and then at the leader: a learner that has caught up becomes a voter. */
  promoteLearners(): void {
    if (!this.#driver.isLeader || this.#driver.membershipPending) return;
    const { commit } = this.#driver.core;
    for (const { id, match, active } of this.#driver.progress()) {
      const member = this.#member(id);
      if (member === undefined || member.voter || !active) continue;
      if (match === 0 || commit - match > promotionLagMax) continue;
      this.#driver.proposeMembership({ type: "promote", id });
      return;
    }
  }

  async #add(peer: string, client: string): Promise<Reply> {
    if (parseEndpoint(peer) === null || parseEndpoint(client) === null) {
      return new ErrorReply("ERR an address is host:port, first the client's, then the peers'");
    }
    const known = this.#memberAt(peer);
    if (known !== undefined) {
      const match = this.#driver.progress().find(({ id }) => id === known.id)?.match;
      // Admitted before, but never heard of: its first start was cut short, so it may start again.
      if (!known.voter && match === 0) return this.#invitation(known.id);
      return new ErrorReply(
        `ERR ${peer} is member ${known.id} already; RAFT REMOVE ${known.id} it first if its data is gone`,
      );
    }
    const id = this.#driver.membership.nextId;
    const change = { type: "addLearner", address: encodeAddress({ peer, client }) } as const;
    const refusal = await this.#committed(this.#driver.proposeMembership(change));
    return refusal ?? this.#invitation(id);
  }

  async #remove(id: NodeId): Promise<Reply> {
    if (this.#member(id) === undefined) return new ErrorReply(`ERR there is no member ${id}`);
    const refusal = await this.#committed(this.#driver.proposeMembership({ type: "remove", id }));
    return refusal ?? ok;
  }

  #transfer(id: number | null): Reply {
    const target = id ?? this.bestSuccessor();
    if (target === null) return new ErrorReply("ERR there is no other voter to hand leadership to");
    const refusal = this.#driver.transfer(asNode(target));
    return refusal === null ? ok : new ErrorReply(`ERR ${refusal}`);
  }

  /** The other voter that is furthest along and answers; null when there is none. */
  bestSuccessor(): NodeId | null {
    let best: { id: NodeId; match: number } | null = null;
    for (const { id, match, active } of this.#driver.progress()) {
      if (id === this.#driver.core.id || !active || this.#member(id)?.voter !== true) continue;
      if (best === null || match > best.match) best = { id, match };
    }
    return best?.id ?? null;
  }

  /** Null once committed, else the error. */
  async #committed(outcome: EntryId | string): Promise<ErrorReply | null> {
    if (typeof outcome === "string") return new ErrorReply(`ERR ${outcome}`);
    const committed = await new Promise<boolean>((resolve) => {
      this.#waiting.set(outcome.index, { term: outcome.term, resolve });
    });
    return committed ? null : errors.unknownOutcome;
  }

  /** What a new node needs to start: cluster id, its id, and each member's id, addresses, vote. */
  #invitation(id: NodeId): Reply {
    const members = this.#driver.membership.members.map((member) => {
      const { peer, client } = decodeAddress(member.address);
      return [member.id as number, peer, client, member.voter ? 1 : 0];
    });
    return [this.#clusterId, id as number, ...members];
  }

  #member(id: NodeId): Member | undefined {
    return this.#driver.membership.members.find((member) => member.id === id);
  }

  #memberAt(peer: string): Member | undefined {
    return this.#driver.membership.members.find(
      ({ address }) => decodeAddress(address).peer === peer,
    );
  }
}
