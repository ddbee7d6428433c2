// RAFT ADD, REMOVE and TRANSFER where they are carried out, the leader; and the promotion of learners.

import { electionTicksMin } from "../../constants.ts";
import type { EntryId, Membership, NodeId } from "../../raft/core/types.ts";
import type { RaftDriver } from "../../raft/driver.ts";
import type { Reply } from "../../resp/reply.ts";
import { adminErrors } from "./admin-errors.ts";
import { type AdminRequest, bestSuccessor, type ClusterView, planFor } from "./membership-plan.ts";

/** A learner this close to the leader's log becomes a voter. */
const promotionLagMax = 1_000;
/** The core forgets at every election timeout who has answered: two of them make a sound sample. */
const aliveTicks = 2 * electionTicksMin;
/** How long a request waits for what passes by itself, such as another change. */
const patienceTicks = 4 * electionTicksMin;

interface Work {
  readonly request: AdminRequest;
  readonly finish: (reply: Reply | null) => void;
  /** Ticks since the request, or its transfer, has begun. */
  ticks: number;
  state:
    | { readonly at: "waiting" }
    | { readonly at: "proposed"; readonly entry: EntryId; readonly reply: () => Reply }
    | { readonly at: "transferring"; readonly to: NodeId };
}

/** Answers only after a change is committed. One of them runs on every node, for any may lead. */
export class MembershipAdmin implements ClusterView {
  readonly clusterId: string;
  readonly #driver: RaftDriver;
  readonly #open = new Set<Work>();
  /** The commit index at each of the last ticks, for an election timeout. */
  readonly #commits: number[] = [];
  /** By member, the tick in which it was last known to answer. */
  readonly #heard = new Map<NodeId, number>();
  #now = 0;
  #toldRemoved = false;

  constructor(driver: RaftDriver, clusterId: string) {
    this.#driver = driver;
    this.clusterId = clusterId;
  }

  get self(): NodeId {
    return this.#driver.core.id;
  }

  get membership(): Membership {
    return this.#driver.core.membership;
  }

  /**
   * True once this node knows that it is no member any more: from its own log, or from a member, because no leader
   * sends a removed node the entry that removes it. It never becomes false again.
   */
  get isRemoved(): boolean {
    return this.#toldRemoved || this.hasRemoved(this.self);
  }

  /** By the committed configuration: an id that it does not list but that was given away before. */
  hasRemoved(id: NodeId): boolean {
    if (this.#driver.core.membershipPending) return false;
    const { members, nextId } = this.membership;
    return id < nextId && !members.some((member) => member.id === id);
  }

  /** A member has said so, on a connection on which it has proved to be one. */
  toldRemoved(): void {
    this.#toldRemoved = true;
  }

  isAlive(id: NodeId): boolean {
    if (id === this.self) return true;
    const heard = this.#heard.get(id);
    if (heard !== undefined && this.#now - heard <= aliveTicks) return true;
    return this.#driver.core.progress().some((each) => each.id === id && each.active);
  }

  match(id: NodeId): number {
    return this.#driver.core.progress().find((each) => each.id === id)?.match ?? 0;
  }

  /** Requests that have no answer yet. */
  get openRequests(): number {
    return this.#open.size;
  }

  bestSuccessor(): NodeId | null {
    return bestSuccessor(this);
  }

  /** The reply to the operator; null when this node no longer leads, so the next leader is to be asked. */
  run(request: AdminRequest): Promise<Reply | null> {
    return new Promise((resolve) => {
      const work: Work = {
        request,
        ticks: 0,
        state: { at: "waiting" },
        finish: (reply) => {
          this.#open.delete(work);
          resolve(reply);
        },
      };
      this.#open.add(work);
      this.#begin(work);
    });
  }

  /** Every committed entry, on every node: those of this leader's changes answer their requests. */
  applied(index: number, term: number): void {
    for (const work of this.#open) {
      const { state } = work;
      if (state.at !== "proposed" || state.entry.index !== index) continue;
      // Of another term: another leader's entry took its place, and the change has not been made.
      work.finish(state.entry.term === term ? state.reply() : null);
    }
  }

  /** Every `tickMs`. */
  tick(): void {
    this.#now += 1;
    for (const { id, active } of this.#driver.core.progress()) {
      if (active) this.#heard.set(id, this.#now);
    }
    this.#commits.push(this.#driver.core.commit);
    if (this.#commits.length > electionTicksMin) this.#commits.shift();
    for (const work of this.#open) this.#tick(work);
    this.promoteLearners();
  }

  /** A learner that has caught up becomes a voter. */
  promoteLearners(): void {
    if (!this.#driver.isLeader || this.#driver.core.membershipPending) return;
    const learners = this.membership.members.filter(({ voter }) => !voter);
    const { commit } = this.#driver.core;
    for (const { id } of learners) {
      const match = this.match(id);
      if (!this.isAlive(id) || match === 0 || commit - match > promotionLagMax) continue;
      // Entries may be large, so their number says little: it must also be no further behind than half a second.
      if (match < (this.#commits[0] ?? commit)) continue;
      this.#driver.proposeMembership({ type: "promote", id });
      return;
    }
  }

  #tick(work: Work): void {
    work.ticks += 1;
    const { state } = work;
    switch (state.at) {
      case "waiting":
        this.#begin(work);
        return;
      case "proposed":
        // `applied` answers it, unless a snapshot of the next leader skips its index: so the next leader is asked.
        if (!this.#driver.isLeader) work.finish(null);
        return;
      case "transferring":
        if (!this.#driver.isLeader) work.finish(null);
        else if (!this.#driver.core.isTransferring) work.finish(adminErrors.notTakenOver(state.to));
    }
  }

  /** Does the next step of a request, or leaves it for the next tick. */
  #begin(work: Work): void {
    if (!this.#driver.isLeader) {
      work.finish(null);
      return;
    }
    const plan = planFor(work.request, this);
    switch (plan.step) {
      case "answer":
        // What is not committed can still be rolled back: no answer about members comes out of that.
        if (work.request.verb === "transfer" || !this.#driver.core.membershipPending) {
          work.finish(plan.reply);
        }
        return;
      case "wait":
        if (work.ticks >= patienceTicks) work.finish(plan.refusal);
        return;
      case "change": {
        const outcome = this.#driver.proposeMembership(plan.change);
        if (typeof outcome === "string") this.#refused(work, outcome);
        else work.state = { at: "proposed", entry: outcome, reply: plan.reply };
        return;
      }
      case "transfer": {
        const refusal = this.#driver.transfer(plan.to);
        if (refusal !== null) this.#refused(work, refusal);
        else this.#began(work, { at: "transferring", to: plan.to });
      }
    }
  }

  #began(work: Work, state: Work["state"]): void {
    work.ticks = 0;
    work.state = state;
  }

  /** The plan is sound, so what the core has against it passes by itself. */
  #refused(work: Work, why: string): void {
    if (work.ticks >= patienceTicks) work.finish(adminErrors.notNow(why));
  }
}
