// What is promised of changes of members (§4 of the thesis): one at a time, one voter at a time, nobody removed leads.

import { decodeMembership } from "../../src/raft/core/membership.ts";
import { asIndex, type Entry, type Membership } from "../../src/raft/core/types.ts";
import type { Running } from "./parts.ts";
import { ensure, type World } from "./world.ts";

export class MemberWatch {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** A leader begins a change only when the one before is committed, and an entry of its own term. */
  saving({ core, log }: Running, entries: readonly Entry[]): void {
    const [first] = entries;
    if (first === undefined || !entries.some(({ kind }) => kind === "membership")) return;
    let before = log.membershipAt(asIndex(first.index - 1));
    for (const { index, term, kind, data } of entries) {
      if (kind !== "membership") continue;
      const membership = decodeMembership(data);
      ensure(membership !== null, "11 membership", () => `entry ${index} names no members`);
      if (before !== null) this.#compare(before.membership, membership);
      if (core.role === "leader" && term === core.term && before !== null) {
        const pending = before.index;
        ensure(pending <= core.commit, "11 membership", () => {
          return `node ${core.id} changes members in ${index}, entry ${pending} is not committed`;
        });
        // Null: the log was cut there since.
        const known = log.term(core.commit) ?? core.term;
        ensure(known === core.term, "11 membership", () => {
          return `node ${core.id} changes members in entry ${index} of term ${term}, committed is ${core.commit} of term ${known}`;
        });
      }
      before = { index, membership };
    }
  }

  #compare(before: Membership, after: Membership): void {
    const [old, now] = [votersOf(before), votersOf(after)];
    const joining = [...now].filter((id) => !old.has(id)).length;
    const leaving = [...old].filter((id) => !now.has(id)).length;
    if (joining > 0) this.#world.marks.met("learner became a voter");
    ensure(joining + leaving <= 1 && after.nextId >= before.nextId, "11 membership", () => {
      return `the voters ${[...old].join()} become ${[...now].join()} at once`;
    });
  }

  /** `committed`: what any leader of its term must have. */
  elected(node: number, committed: readonly Entry[]): void {
    const last = committed.findLast(({ kind }) => kind === "membership");
    const membership = last === undefined ? null : decodeMembership(last.data);
    if (membership === null) return;
    const isKnown = node >= membership.nextId || membership.members.some(({ id }) => id === node);
    ensure(isKnown, "11 membership", () => `node ${node} was removed and leads`);
  }
}

const votersOf = ({ members }: Membership): Set<number> =>
  new Set(members.filter(({ voter }) => voter).map(({ id }) => id));
