// What the log knows without reading its files: its bounds, its terms, its memberships, the hard state.

import { assert } from "../../assert.ts";
import { decodeMembership } from "../core/membership.ts";
import {
  asIndex,
  asTerm,
  type EntryId,
  type EntryKind,
  type HardState,
  type LogIndex,
  type Membership,
  type Term,
} from "../core/types.ts";

export interface StoredMembership {
  readonly index: LogIndex;
  readonly data: Uint8Array;
  readonly membership: Membership;
}

interface AppendedEntry extends EntryId {
  readonly kind: EntryKind;
  /** Needed of membership entries only. */
  readonly data: Uint8Array | null;
}

export class LogState {
  hardState: HardState = { term: asTerm(0), votedFor: null };
  #first = 1;
  #last = 0;
  /** The term of the entry before the first one; null when it is not known. */
  #baseTerm: Term | null = asTerm(0);
  /** Terms as runs: `#runTerms[i]` from index `#runStarts[i]` on. */
  #runStarts: number[] = [];
  #runTerms: Term[] = [];
  #memberships: StoredMembership[] = [];

  get firstIndex(): LogIndex {
    return asIndex(this.#first);
  }

  get lastIndex(): LogIndex {
    return asIndex(this.#last);
  }

  /** Null when the log is empty and its base is not known. */
  get lastTerm(): Term | null {
    return this.#runTerms.at(-1) ?? this.#baseTerm;
  }

  get memberships(): readonly StoredMembership[] {
    return this.#memberships;
  }

  /** Known for the stored entries and, mostly, for the one before them. */
  term(index: LogIndex): Term | null {
    if (index === this.#first - 1) return this.#baseTerm;
    if (index < this.#first || index > this.#last) return null;
    return this.#runTerms[this.#runAt(index)] ?? null;
  }

  #runAt(index: number): number {
    let low = 0;
    let high = this.#runStarts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runStarts[middle] ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  membershipAt(index: LogIndex): StoredMembership | null {
    return this.#memberships.findLast((stored) => stored.index <= index) ?? null;
  }

  /** Null, or why this entry cannot come next. Changes nothing. */
  problem(entry: AppendedEntry, after: EntryId | null): string | null {
    const { index, term } = entry;
    if (index < 1) return "entry of index 0";
    if (after === null) {
      if (index > this.#last + 1) return `entry ${index} leaves a hole after ${this.#last}`;
      const before = index === this.#last + 1 ? this.lastTerm : this.term(asIndex(index - 1));
      if (before !== null && term < before) return `term falls from ${before} to ${term}`;
      return null;
    }
    if (index !== after.index + 1) return `entry ${index} follows ${after.index}`;
    return term < after.term ? `term falls from ${after.term} to ${term}` : null;
  }

  /** Takes in an entry for which `problem` found none. An index that exists drops it and all behind it. */
  append(entry: AppendedEntry): string | null {
    if (entry.index <= this.#last) this.#truncate(entry.index);
    if (entry.kind === "membership" && entry.data !== null) {
      const problem = this.remember(entry.index, entry.data);
      if (problem !== null) return problem;
    }
    if (this.#runTerms.at(-1) !== entry.term) {
      this.#runStarts.push(entry.index);
      this.#runTerms.push(entry.term);
    }
    this.#last = entry.index;
    return null;
  }

  #truncate(index: LogIndex): void {
    while ((this.#runStarts.at(-1) ?? 0) >= index) {
      this.#runStarts.pop();
      this.#runTerms.pop();
    }
    while ((this.#memberships.at(-1)?.index ?? 0) >= index) this.#memberships.pop();
    this.#last = index - 1;
    if (index < this.#first) {
      // This happens only at an opening when older segments were cut: the entries that those held are overwritten here.
      this.#first = index;
      this.#baseTerm = null;
    }
  }

  /** Forgets the entries below an index that is in the log or one behind it. */
  cut(first: number): void {
    assert(first >= this.#first && first <= this.#last + 1, "a cut is inside of the log");
    this.#baseTerm = this.term(asIndex(first - 1));
    const keep = first > this.#last ? this.#runStarts.length : this.#runAt(first);
    this.#runStarts.splice(0, keep);
    this.#runTerms.splice(0, keep);
    this.#first = first;
    const newest = this.#memberships.findLastIndex((stored) => stored.index < first);
    if (newest > 0) this.#memberships.splice(0, newest);
  }

  /** The log is empty and goes on after `base`. */
  restart(base: { readonly index: number; readonly term: Term | null }): void {
    this.#first = base.index + 1;
    this.#last = base.index;
    this.#baseTerm = base.term;
    this.#runStarts = [];
    this.#runTerms = [];
    this.#memberships = [];
  }

  /** Remembers a membership entry, which may lie below the log's first entry. */
  remember(index: LogIndex, data: Uint8Array): string | null {
    const membership = decodeMembership(data);
    if (membership === null) return `the membership of entry ${index} cannot be read`;
    this.#memberships.push({ index, data, membership });
    return null;
  }
}
