// What must hold before a term begins: somebody campaigns in it, and a majority has said that it could win.

import { assert } from "../../src/assert.ts";
import type { Save } from "../../src/raft/core/core.ts";
import { majority } from "../../src/raft/core/quorum.ts";
import {
  asIndex,
  type Member,
  type Message,
  type NodeId,
  type Term,
} from "../../src/raft/core/types.ts";
import type { TestNode } from "./raft-node.ts";

export class ElectionWatch {
  readonly #seenTerm = new Map<NodeId, Term>();
  /** Terms in which somebody has campaigned. */
  readonly #opened = new Set<Term>();
  /** "candidate term": who has said in a preliminary round that it could win there. */
  readonly #promised = new Map<string, Set<NodeId>>();
  /** "heir term": told by its leader to campaign, so nobody is asked beforehand (thesis 3.10). */
  readonly #heirs = new Set<string>();
  /** Campaigns that were looked at. */
  readonly #judged = new Set<string>();

  noteMessage(message: Message): void {
    if (message.type === "timeoutNow") {
      this.#heirs.add(`${message.to} ${message.term + 1}`);
    } else if (message.type === "voteReply" && message.pre && message.granted) {
      const key = `${message.to} ${message.term}`;
      const voters = this.#promised.get(key) ?? new Set();
      this.#promised.set(key, voters.add(message.from));
    }
  }

  noteSave({ id }: TestNode, { hardState }: Save): void {
    if (hardState?.votedFor === id) this.#opened.add(hardState.term);
  }

  watch({ id, core }: TestNode): void {
    const { term, role, membership } = core;
    if (role === "candidate") this.#judge(id, term, membership.members);
    const before = this.#seenTerm.get(id);
    this.#seenTerm.set(id, term);
    // Whoever campaigns may have begun, and failed, since it was seen last.
    if (before === undefined || term <= before || role !== "follower") return;
    assert(this.#opened.has(term), `thesis 9.6 ${id} is in term ${term}, nobody campaigned in it`);
  }

  #judge(id: NodeId, term: Term, members: readonly Member[]): void {
    this.#opened.add(term);
    const key = `${id} ${term}`;
    if (this.#judged.has(key)) return;
    this.#judged.add(key);
    if (this.#heirs.has(key)) return;
    const voters = members.filter(({ voter }) => voter);
    const promised = this.#promised.get(key);
    const asked = voters.filter((voter) => voter.id === id || promised?.has(voter.id) === true);
    assert(
      asked.length >= majority(voters.length),
      `thesis 9.6 ${id} campaigns in term ${term}, which ${asked.length} of ${voters.length} find right`,
    );
  }
}

/** Thesis 4.2.2: a configuration that may still come back counts as well. */
export function mayLead({ id, core, log }: TestNode): boolean {
  let { membership } = core;
  for (let below: number = log.lastIndex; ; ) {
    if (membership.members.some((member) => member.id === id && member.voter)) return true;
    const stored = below < core.commit ? null : log.membershipAt(asIndex(below));
    if (stored === null) return false;
    membership = stored.membership;
    below = stored.index - 1;
  }
}
