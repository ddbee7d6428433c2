// The cluster's configuration: its bytes, its changes one at a time, and its rollback (§6, thesis 4).

import { membershipBytesMax, membersMax } from "../../constants.ts";
import type { MembershipChange } from "./core.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type LogIndex,
  type Member,
  type Membership,
  type NodeId,
} from "./types.ts";

/** Of a node that does not belong to a cluster yet: it neither votes nor campaigns. */
const emptyMembership: Membership = { members: [], nextId: asNode(1) };

export function isMember(membership: Membership, id: NodeId): boolean {
  return membership.members.some((member) => member.id === id);
}

/** The data of a "membership" entry: JSON in UTF-8, fields in a fixed order. */
export function encodeMembership(membership: Membership): Uint8Array {
  const members = membership.members.map(({ id, voter, address }) => ({ id, voter, address }));
  return new TextEncoder().encode(JSON.stringify({ members, nextId: membership.nextId }));
}

/** Null for anything that `encodeMembership` cannot have written: bytes from disk and from peers are checked here. */
export function decodeMembership(data: Uint8Array): Membership | null {
  if (data.byteLength > membershipBytesMax) return null;
  const value = parseJson(data);
  if (!isRecord(value) || Object.keys(value).length !== 2) return null;
  const { nextId, members: list } = value as { nextId: unknown; members: unknown };
  if (!isId(nextId) || !Array.isArray(list) || list.length > membersMax) return null;

  const members: Member[] = [];
  const ids = new Set<number>();
  for (const item of list as unknown[]) {
    const member = decodeMember(item);
    if (member === null || member.id >= nextId || ids.has(member.id)) return null;
    ids.add(member.id);
    members.push(member);
  }
  return { members, nextId: asNode(nextId) };
}

function decodeMember(value: unknown): Member | null {
  if (!isRecord(value) || Object.keys(value).length !== 3) return null;
  const { id, voter, address } = value as { id: unknown; voter: unknown; address: unknown };
  if (!isId(id) || typeof voter !== "boolean" || typeof address !== "string") return null;
  return { id: asNode(id), voter, address };
}

function parseJson(data: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(data));
  } catch {
    return null;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** The first entry of a new cluster, to be on disk before its founder starts for the first time. */
export function foundingEntry(founders: Membership): Entry {
  const data = encodeMembership(founders);
  return { term: asTerm(1), index: asIndex(1), kind: "membership", data };
}

/** The next configuration, or in words why there is none. It differs by at most one voter. */
export function changeMembership(now: Membership, change: MembershipChange): Membership | string {
  const changed = applyChange(now, change);
  if (typeof changed === "string") return changed;
  const isTooLarge = encodeMembership(changed).byteLength > membershipBytesMax;
  return isTooLarge ? "the addresses of the members are too long" : changed;
}

function applyChange(now: Membership, change: MembershipChange): Membership | string {
  switch (change.type) {
    case "addLearner":
      return addLearner(now, change.address);
    case "promote":
      return replaceMember(now, change.id, (member) =>
        member.voter ? "the member is a voter already" : { ...member, voter: true },
      );
    case "setAddress": {
      const { id, address } = change.member;
      if (now.members.some((member) => member.id !== id && member.address === address))
        return "another member has this address";
      return replaceMember(now, id, (member) =>
        member.address === address ? "the member has this address already" : { ...member, address },
      );
    }
    case "remove":
      return removeMember(now, change.id);
  }
}

function addLearner(now: Membership, address: string): Membership | string {
  if (now.members.length >= membersMax) return `a cluster has at most ${membersMax} members`;
  if (now.members.some((member) => member.address === address))
    return "another member has this address";
  const learner: Member = { id: now.nextId, voter: false, address };
  return { members: [...now.members, learner], nextId: asNode(now.nextId + 1) };
}

function removeMember(now: Membership, id: NodeId): Membership | string {
  if (!isMember(now, id)) return "no such member";
  const members = now.members.filter((member) => member.id !== id);
  if (!members.some((member) => member.voter)) return "the last voter cannot be removed";
  return { members, nextId: now.nextId };
}

function replaceMember(
  now: Membership,
  id: NodeId,
  replace: (member: Member) => Member | string,
): Membership | string {
  const old = now.members.find((member) => member.id === id);
  if (old === undefined) return "no such member";
  const replaced = replace(old);
  if (typeof replaced === "string") return replaced;
  const members = now.members.map((member) => (member === old ? replaced : member));
  return { members, nextId: now.nextId };
}

export interface MembershipAt {
  readonly index: LogIndex;
  readonly membership: Membership;
}

/** Configurations by the index of their entry: the newest is in force, committed or not (§6). */
export class MembershipHistory {
  /**
   * Ascending; the first one is committed, what follows may still be rolled back. An honest leader has one open
   * change at a time; a faulty one is bounded like all its entries, by what it may append uncommitted.
   */
  #steps: MembershipAt[];
  #voters: readonly NodeId[] = [];

  constructor(steps: readonly MembershipAt[]) {
    this.#steps = [...steps];
    this.#countVoters();
  }

  get index(): LogIndex {
    return this.#steps.at(-1)?.index ?? asIndex(0);
  }

  get membership(): Membership {
    return this.#steps.at(-1)?.membership ?? emptyMembership;
  }

  get voters(): readonly NodeId[] {
    return this.#voters;
  }

  isVoter(id: NodeId): boolean {
    return this.#voters.includes(id);
  }

  /** Whether it is a voter of the newest configuration, or of one that may come back. */
  mayBeVoter(id: NodeId): boolean {
    return this.#steps.some(({ membership }) =>
      membership.members.some((member) => member.id === id && member.voter),
    );
  }

  append(step: MembershipAt): void {
    this.#steps.push(step);
    this.#countVoters();
  }

  /** Entries from `index` on were dropped, and with them their configurations. */
  rollBack(index: LogIndex): void {
    if (this.index < index) return;
    this.#steps = this.#steps.filter((step) => step.index < index);
    this.#countVoters();
  }

  /** The entry of the newest configuration that is committed; 0 when there is none. */
  committedIndex(commit: LogIndex): LogIndex {
    return this.#steps.findLast(({ index }) => index <= commit)?.index ?? asIndex(0);
  }

  /** A snapshot takes the place of all entries: its configuration is committed, so nothing is below it. */
  restart(step: MembershipAt): void {
    this.#steps = [step];
    this.#countVoters();
  }

  /** Drops configurations to which no rollback can lead any more. */
  commit(index: LogIndex): void {
    while (this.#steps.length > 1 && (this.#steps[1]?.index ?? 0) <= index) this.#steps.shift();
  }

  #countVoters(): void {
    this.#voters = this.membership.members.filter((member) => member.voter).map(({ id }) => id);
  }
}
