// The log as this node knows it: on disk through the reader, the newest entries in memory (§5.3).

import { assert } from "../../assert.ts";
import { termSkipMax } from "../../constants.ts";
import type { LogReader, Save } from "./core.ts";
import { decodeMembership, type MembershipAt, MembershipHistory } from "./membership.ts";
import {
  asIndex,
  asTerm,
  type Entry,
  type EntryId,
  type LogIndex,
  type SnapshotPoint,
  type Term,
} from "./types.ts";

/** What an entry counts for in messages and windows: its data and a share for its header. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + 16;
}

/**
 * Invariants: handed out <= commit <= last; entries below `#offset` are on disk and agree with the
 * reader; what the reader holds from `#offset` on is a dropped tail that the next save overwrites.
 * While a snapshot is being installed, nothing of what the reader holds counts any more.
 */
export class RaftLog {
  readonly history: MembershipHistory;
  readonly #reader: LogReader;
  /** Entries from `#offset` on that are not known to be on disk. */
  #unstable: Entry[] = [];
  #offset: number;
  /** How many of the first unstable entries the save in flight makes durable. */
  #saving = 0;
  /** Takes the place of all that the reader holds, and is not on disk yet. */
  #installing: SnapshotPoint | null = null;
  /** The snapshot of the save in flight. A newer one may have replaced it meanwhile. */
  #savingSnapshot: SnapshotPoint | null = null;
  #last: EntryId;
  #commit: LogIndex;
  #handedOut: LogIndex;

  constructor(reader: LogReader, applied: LogIndex) {
    this.#reader = reader;
    this.#offset = reader.lastIndex + 1;
    this.#commit = applied;
    this.#handedOut = applied;
    assert(applied <= reader.lastIndex, `applied ${applied} is in the log of ${reader.lastIndex}`);
    this.#last = this.#lastId(reader.lastIndex);
    // The next entry names this term as its predecessor's: in this log, and in messages to a follower that got the state
    // up to here.
    assert(this.term(applied) !== null, `the term of the applied entry ${applied} is known`);
    this.history = new MembershipHistory(readHistory(reader, applied));
  }

  get last(): EntryId {
    return this.#last;
  }

  get commit(): LogIndex {
    return this.#commit;
  }

  get installing(): SnapshotPoint | null {
    return this.#installing;
  }

  /** Everything up to here is on this node's disk, or in the snapshot that is being installed. */
  get stable(): LogIndex {
    return asIndex(this.#offset - 1);
  }

  get hasUnsaved(): boolean {
    const restarts = this.#installing !== null && this.#installing !== this.#savingSnapshot;
    return restarts || this.#unstable.length > this.#saving;
  }

  /** Null when the log does not have the entry, not yet or not any more; never 0, which would match something. */
  term(index: LogIndex): Term | null {
    if (index === 0) return asTerm(0);
    if (index >= this.#offset) return this.#unstable[index - this.#offset]?.term ?? null;
    if (this.#installing === null) return this.#reader.term(index);
    return index === this.#installing.index ? this.#installing.term : null;
  }

  agrees(id: EntryId): boolean {
    return this.term(id.index) === id.term;
  }

  /** Whether another entry is known at this index. Of an entry that was cut off the log nothing is known. */
  contradicts(id: EntryId): boolean {
    const known = this.term(id.index);
    return known !== null && known !== id.term;
  }

  /** False when the head of the log was cut beyond `index`. */
  has(index: LogIndex): boolean {
    return index >= this.#offset ? index <= this.#last.index : index >= this.#reader.firstIndex;
  }

  /** Whether an entry is in memory, so that it can be had without reading the disk. */
  isAtHand(index: LogIndex): boolean {
    return index >= this.#offset || this.#reader.isCached(index);
  }

  /** Whether a follower that agrees up to `index` can get all the rest from this log. */
  reachesBackTo(index: LogIndex): boolean {
    if (this.term(index) === null) return false;
    return index === this.#last.index || this.has(asIndex(index + 1));
  }

  /** Entries from `from` on: at least one, at most `bytesMax`, and either from disk or from memory. */
  slice(from: LogIndex, bytesMax: number): readonly Entry[] {
    if (from < this.#offset) return this.#reader.slice(from, this.stable, bytesMax);
    const start = from - this.#offset;
    let bytes = 0;
    let end = start;
    for (; end < this.#unstable.length; end += 1) {
      const entry = this.#unstable[end];
      if (entry === undefined) break;
      bytes += entryBytes(entry);
      if (bytes > bytesMax && end > start) break;
    }
    return this.#unstable.slice(start, end);
  }

  /** How many of the first `entries` are in the log already. They came in one message, which is bounded. */
  countKnown(entries: readonly Entry[]): number {
    let known = 0;
    for (const entry of entries) {
      if (!this.agrees(entry)) break;
      known += 1;
    }
    return known;
  }

  /**
   * Goes down from `index` to the first entry that is committed, or whose term is at most `term` or not known. Both
   * sides use it to skip whole terms instead of single entries (§5.3). It stops after `termSkipMax` entries; the next
   * refusal goes on from there.
   */
  skipTermsAbove(index: LogIndex, term: Term): LogIndex {
    let at = Math.min(index, this.#last.index);
    const lowest = Math.max(this.#commit, at - termSkipMax);
    while (at > lowest) {
      const known = this.term(asIndex(at));
      if (known === null || known <= term) break;
      at -= 1;
    }
    return asIndex(at);
  }

  /** Appends after the last entry, or over a tail that was never committed. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index <= this.#last.index + 1, "the log has no gap");
    if (first.index <= this.#last.index) this.#truncate(first.index);
    for (const entry of entries) {
      this.#unstable.push(entry);
      if (entry.kind === "membership") this.#enterMembership(entry);
    }
    const { term, index } = entries.at(-1) ?? first;
    this.#last = { term, index };
  }

  /**
   * §7: drops all entries and goes on behind a snapshot. A save in flight makes nothing of the new
   * log durable, whatever indexes it has (ABA).
   */
  restartAt(point: SnapshotPoint): void {
    const { term, index } = point;
    assert(index > this.#commit, `the snapshot ${index} is ahead of commit ${this.#commit}`);
    this.#unstable = [];
    this.#saving = 0;
    this.#offset = index + 1;
    this.#last = { term, index };
    this.#commit = index;
    this.#handedOut = index;
    this.#installing = point;
    this.history.restart(point.membership);
  }

  /** True when the commit index moved. */
  commitTo(index: LogIndex): boolean {
    if (index <= this.#commit) return false;
    assert(index <= this.#last.index, `commit ${index} is within the log of ${this.#last.index}`);
    this.#commit = index;
    this.history.commit(index);
    return true;
  }

  /** Hands out entries that are committed and on this disk, each once and about `bytesMax` at a time; none for 0. */
  takeCommitted(bytesMax: number): readonly Entry[] {
    if (bytesMax === 0) return [];
    const to = Math.min(this.#commit, this.#offset - 1);
    if (to <= this.#handedOut) return [];
    const entries = this.#reader.slice(asIndex(this.#handedOut + 1), asIndex(to), bytesMax);
    assert(
      entries[0]?.index === this.#handedOut + 1,
      "committed entries stay until they are applied",
    );
    this.#handedOut = asIndex(this.#handedOut + entries.length);
    return entries;
  }

  /** A snapshot first and alone, else every entry that is not on disk; one save is in flight at a time. */
  startSave(): Pick<Save, "entries" | "snapshot"> {
    assert(this.#saving === 0 && this.#savingSnapshot === null, "one save is in flight at a time");
    if (this.#installing !== null) {
      this.#savingSnapshot = this.#installing;
      return { entries: [], snapshot: this.#installing };
    }
    this.#saving = this.#unstable.length;
    return { entries: this.#unstable.slice(), snapshot: null };
  }

  /** The save in flight is on disk; what was overwritten meanwhile is not taken for durable (ABA). */
  finishSave(): void {
    this.#unstable = this.#unstable.slice(this.#saving);
    this.#offset += this.#saving;
    this.#saving = 0;
    if (this.#installing === this.#savingSnapshot) this.#installing = null;
    this.#savingSnapshot = null;
  }

  #truncate(from: LogIndex): void {
    assert(from > this.#commit, `${from} is not committed (commit is ${this.#commit})`);
    if (from >= this.#offset) {
      this.#unstable.length = from - this.#offset;
      this.#saving = Math.min(this.#saving, this.#unstable.length);
    } else {
      this.#unstable = [];
      this.#offset = from;
      this.#saving = 0;
    }
    this.history.rollBack(from);
  }

  #enterMembership(entry: Entry): void {
    const membership = decodeMembership(entry.data);
    assert(membership !== null, "membership entries were checked at the door");
    this.history.append({ index: entry.index, membership });
  }

  #lastId(index: LogIndex): EntryId {
    const term = index === 0 ? asTerm(0) : this.#reader.term(index);
    assert(term !== null, `the last entry ${index} is in the log`);
    return { term, index };
  }
}

/** The newest configuration of the log, and what to fall back to while it may be rolled back. */
function readHistory(reader: LogReader, applied: LogIndex): readonly MembershipAt[] {
  const steps: MembershipAt[] = [];
  let at: LogIndex = reader.lastIndex;
  // Ends at the newest configuration that is applied. Those above it are entries of this node's own log, so there are not
  // too many.
  for (let step = reader.membershipAt(at); step !== null; step = reader.membershipAt(at)) {
    steps.push(step);
    if (step.index <= applied || step.index === 0) break;
    at = asIndex(step.index - 1);
  }
  return steps.reverse();
}
