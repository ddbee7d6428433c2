// A durable log that is an array: what the core reads, and what a save writes.

import { assert } from "../../src/assert.ts";
import type { LogReader } from "../../src/raft/core/core.ts";
import { entryBytes } from "../../src/raft/core/log.ts";
import { decodeMembership, type MembershipAt } from "../../src/raft/core/membership.ts";
import {
  asIndex,
  asTerm,
  type Entry,
  type LogIndex,
  type SnapshotPoint,
  type Term,
} from "../../src/raft/core/types.ts";

export class MemoryLog implements LogReader {
  #entries: Entry[] = [];
  #memberships: MembershipAt[] = [];
  #first = 1;
  /** Entries below it count as read from disk. */
  cachedFrom = 1;
  /** Of the entries that were. */
  bytesRead = 0;
  /** Of the entry before the first one; null when it is not known any more. */
  #baseTerm: Term | null = asTerm(0);

  constructor(entries: readonly Entry[] = []) {
    this.write(entries);
  }

  get firstIndex(): LogIndex {
    return asIndex(this.#first);
  }

  get lastIndex(): LogIndex {
    return asIndex(this.#first + this.#entries.length - 1);
  }

  isCached(index: LogIndex): boolean {
    return index >= this.cachedFrom;
  }

  term(index: LogIndex): Term | null {
    if (index === this.#first - 1) return this.#baseTerm;
    return this.#entries[index - this.#first]?.term ?? null;
  }

  entry(index: LogIndex): Entry | null {
    return this.#entries[index - this.#first] ?? null;
  }

  slice(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    assert(from >= this.#first && to <= this.lastIndex && from <= to, `${from}..${to} is stored`);
    let bytes = 0;
    let end = from - this.#first;
    for (; end <= to - this.#first; end += 1) {
      const entry = this.#entries[end];
      assert(entry !== undefined, "the log has no gap");
      bytes += entryBytes(entry);
      if (bytes > bytesMax && end > from - this.#first) break;
      if (entry.index < this.cachedFrom) this.bytesRead += entryBytes(entry);
    }
    return this.#entries.slice(from - this.#first, end);
  }

  membershipAt(index: LogIndex): MembershipAt | null {
    return this.#memberships.findLast((at) => at.index <= index) ?? null;
  }

  /** Overwrites from the first entry's index on. */
  write(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index <= this.lastIndex + 1, "a save leaves no gap");
    assert(first.index >= this.#first, "a save stays above the cut");
    this.#entries.length = first.index - this.#first;
    this.#memberships = this.#memberships.filter((at) => at.index < first.index);
    for (const entry of entries) {
      this.#entries.push(entry);
      if (entry.kind !== "membership") continue;
      const membership = decodeMembership(entry.data);
      assert(membership !== null, "a stored membership can be read");
      this.#memberships.push({ index: entry.index, membership });
    }
  }

  /**
   * Drops entries below `index`; memberships below stay known, as the real log keeps them. The term
   * below is mostly known, but nobody may rely on it.
   */
  cutBefore(index: LogIndex, base: "kept" | "forgotten" = "forgotten"): void {
    if (index <= this.#first) return;
    assert(index <= this.lastIndex || base === "kept", "a log without entries knows its base");
    this.#baseTerm = base === "kept" ? this.term(asIndex(index - 1)) : null;
    this.#entries = this.#entries.slice(index - this.#first);
    this.#first = index;
  }

  /** Drops all entries: the log goes on behind a snapshot. */
  restart({ term, index, membership }: SnapshotPoint): void {
    this.#entries = [];
    this.#memberships = [membership];
    this.#first = index + 1;
    this.#baseTerm = term;
  }
}
