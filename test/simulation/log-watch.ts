// What is promised of logs, commits and votes, checked against everything that any node ever saved.

import { crc32 } from "node:zlib";
import type { LogReader, RaftCore, Save } from "../../src/raft/core/core.ts";
import {
  asIndex,
  type Entry,
  type HardState,
  type LogIndex,
  type MessageOf,
} from "../../src/raft/core/types.ts";
import { OrderWatch } from "./order-watch.ts";
import { ensure, type World } from "./world.ts";

interface Known {
  readonly prevTerm: number;
  readonly checksum: number;
  readonly entry: Entry;
}

/** What the disk of a node holds for certain; it outlives the process. */
interface Durable {
  /** terms[i] is the term of entry i + 1. */
  terms: number[];
  term: number;
  votedFor: number | null;
  /** Bytes up to this entry were compared with what was saved. */
  compared: number;
}

type Content = Pick<Save, "hardState" | "entries">;

const termSpan = 2 ** 20;
const keyOf = (index: number, term: number): number => index * termSpan + term;

export class LogWatch {
  readonly #world: World;
  readonly #known = new Map<number, Known>();
  readonly #durable: Durable[];
  readonly #order = new OrderWatch();
  /** Terms of what is committed, from entry 1 on. */
  readonly #committed: number[] = [];
  /** In which leader's term each of them became committed; never falls. */
  readonly #committedIn: number[] = [];
  /** Whom a node has voted for in a term: node * termSpan + term. */
  readonly #votes = new Map<number, number>();

  constructor(world: World) {
    this.#world = world;
    this.#durable = Array.from({ length: world.plan.nodes + 1 }, () => {
      return { terms: [], term: 0, votedFor: null, compared: 0 };
    });
  }

  /** The highest index that is known to be committed, to anybody. */
  get committed(): number {
    return this.#committed.length;
  }

  /**
   * How many entries a leader of this term must have (§5.4: those committed in earlier terms). One that was
   * elected long ago, and learns it only after a pause, need not have what later leaders committed.
   */
  committedBefore(term: number): number {
    let count = this.#committedIn.length;
    while (count > 0 && (this.#committedIn[count - 1] as number) >= term) count -= 1;
    return count;
  }

  /** The entries that were committed before this term. */
  committedUpTo(term: number): readonly Entry[] {
    return this.entries().slice(0, this.committedBefore(term));
  }

  entries(): readonly Entry[] {
    return this.entriesFrom(1);
  }

  /** What is committed, from this entry on. */
  entriesFrom(index: number): readonly Entry[] {
    const terms = this.#committed.slice(index - 1);
    return terms.map((term, at) => this.#knownAt(index + at, term).entry);
  }

  #disk(node: number): Durable {
    return this.#durable[node] as Durable;
  }

  #knownAt(index: number, term: number): Known {
    const known = this.#known.get(keyOf(index, term));
    ensure(
      known !== undefined,
      "3 log matching",
      () => `nobody saved entry ${index} of term ${term}`,
    );
    return known;
  }

  // --- Disks -------------------------------------------------------------------------------------

  /** After a start: what completed saves wrote is there; more may be, of the save in flight. */
  opened(node: number, log: LogReader, { term, votedFor }: HardState): void {
    const disk = this.#disk(node);
    ensure(term >= disk.term, "8 votes", () => {
      return `node ${node} comes back in term ${term}, it had ${disk.term}`;
    });
    ensure(
      term !== disk.term || votedFor === disk.votedFor || disk.votedFor === null,
      "8 votes",
      () => {
        return `node ${node} forgot its vote in term ${term}`;
      },
    );
    // Who founds a log writes its first entry before anybody looks.
    if (log.firstIndex === 1 && log.lastIndex > 0)
      for (const first of log.slice(asIndex(1), asIndex(1), 1)) this.#meet(first, 0);
    const before = disk.terms;
    const after: number[] = this.#committed.slice(0, log.firstIndex - 1);
    for (let index: number = log.firstIndex; index <= log.lastIndex; index += 1) {
      after.push(log.term(asIndex(index)) ?? 0);
    }
    // The save in flight may have cut a tail off: then what follows is newer.
    const differs = before.findIndex((each, at) => each !== after[at]);
    const isNewer = differs < 0 || (after[differs] ?? 0) > (before[differs] ?? 0);
    ensure(isNewer, "durability", () => `node ${node} comes back without entry ${differs + 1}`);
    const isMore = differs >= 0 || after.length > before.length || term > disk.term;
    if (isMore && before.length > 0) this.#world.marks.met("save survived that nobody knew of");
    Object.assign(disk, { terms: after, term, votedFor, compared: 0 });
    this.#vote(node, term, votedFor);
  }

  saving(log: LogReader, { entries }: Content): void {
    const first = entries[0];
    if (first === undefined) return;
    let prevTerm: number = first.index === 1 ? 0 : (log.term(asIndex(first.index - 1)) ?? -1);
    for (const entry of entries) {
      this.#meet(entry, prevTerm);
      prevTerm = entry.term;
    }
  }

  /** Log matching (§5.3): index and term name an entry, and everything before it. */
  #meet(entry: Entry, prevTerm: number): void {
    const key = keyOf(entry.index, entry.term);
    const known = this.#known.get(key);
    if (known === undefined) {
      this.#known.set(key, { prevTerm, checksum: crc32(entry.data), entry });
      return;
    }
    const isSame =
      known.prevTerm === prevTerm && known.entry.kind === entry.kind && hasData(known, entry.data);
    ensure(isSame, "3 log matching", () => {
      return `there are two entries ${entry.index} of term ${entry.term}`;
    });
  }

  saved(node: number, { hardState, entries }: Content): void {
    const disk = this.#disk(node);
    if (hardState !== null) {
      ensure(hardState.term >= disk.term, "8 votes", () => `node ${node} writes an older term`);
      disk.term = hardState.term;
      disk.votedFor = hardState.votedFor;
      this.#vote(node, hardState.term, hardState.votedFor);
    }
    const [first] = entries;
    if (first === undefined) return;
    ensure(first.index > this.#committedOn(disk, first), "7 committed is durable", () => {
      return `node ${node} overwrites committed entry ${first.index}`;
    });
    disk.terms.length = first.index - 1;
    disk.compared = Math.min(disk.compared, first.index - 1);
    for (const { term } of entries) disk.terms.push(term);
  }

  /** The committed part of a disk's log: nothing of it may ever change. */
  #committedOn(disk: Durable, first: Entry): number {
    const index = first.index;
    const isCommitted = index <= this.#committed.length && index <= disk.terms.length;
    const isKept = disk.terms[index - 1] === this.#committed[index - 1];
    return isCommitted && isKept && first.term !== this.#committed[index - 1] ? index : 0;
  }

  /** The log goes on behind a snapshot: everything below is committed. */
  restarted(node: number, base: number): void {
    ensure(base <= this.#committed.length, "12 snapshot seam", () => {
      return `node ${node} restarts its log at ${base} of ${this.#committed.length} entries`;
    });
    const disk = this.#disk(node);
    disk.terms = this.#committed.slice(0, base);
    disk.compared = base;
  }

  // --- Votes and acknowledgements -----------------------------------------------------------------

  #vote(node: number, term: number, candidate: number | null): void {
    if (candidate === null) return;
    const key = keyOf(node, term);
    const before = this.#votes.get(key) ?? candidate;
    ensure(before === candidate, "8 votes", () => {
      return `node ${node} votes for ${before} and ${candidate} in term ${term}`;
    });
    this.#votes.set(key, candidate);
  }

  voteSent(node: number, { pre, granted, term, to }: MessageOf<"voteReply">): void {
    if (pre || !granted) return;
    const disk = this.#disk(node);
    ensure(disk.term > term || (disk.term === term && disk.votedFor === to), "8 votes", () => {
      return `node ${node} votes for ${to} in term ${term} before that is on disk`;
    });
    this.#vote(node, term, to);
  }

  appendReplySent(node: number, { index, hint }: MessageOf<"appendReply">): void {
    if (hint !== null) return;
    const { terms } = this.#disk(node);
    ensure(index <= terms.length, "7 committed is durable", () => {
      return `node ${node} acknowledges entry ${index} and has ${terms.length} on disk`;
    });
  }

  // --- Commits -----------------------------------------------------------------------------------

  /** A node says that more is committed than anybody knew: a majority must have it on disk. */
  commit(node: number, core: RaftCore): void {
    const voters = core.membership.members.filter(({ voter }) => voter);
    for (let index = this.#committed.length + 1; index <= core.commit; index += 1) {
      const counts = new Map<number, number>();
      for (const { id } of voters) {
        const term = this.#disk(id).terms[index - 1];
        if (term !== undefined) counts.set(term, (counts.get(term) ?? 0) + 1);
      }
      const found = [...counts].find(([, count]) => count > voters.length / 2);
      ensure(found !== undefined, "7 committed is durable", () => {
        return `node ${node} commits entry ${index}, which no majority has on disk`;
      });
      if (found[0] < core.term) {
        this.#world.marks.met("entry of an old term committed by a new leader");
      }
      this.#committed.push(found[0]);
      this.#order.committed(this.#knownAt(index, found[0]).entry);
      this.#committedIn.push(core.term);
    }
  }

  applying(node: number, { index, term }: Entry): void {
    ensure(this.#committed[index - 1] === term, "5 state machine safety", () => {
      return `node ${node} applies entry ${index} of term ${term}, committed is another`;
    });
  }

  /** Leader completeness (§5.4). */
  complete(node: number, log: LogReader, upTo: number): void {
    for (let index = log.firstIndex as number; index <= upTo; index += 1) {
      ensure(
        log.term(asIndex(index)) === this.#committed[index - 1],
        "4 leader completeness",
        () => {
          return `node ${node} leads without committed entry ${index}`;
        },
      );
    }
  }

  /** The whole log by its terms; the bytes of what came since the last time, or of everything. */
  compare(node: number, log: LogReader, everything: boolean): void {
    const disk = this.#disk(node);
    const { terms } = disk;
    ensure(log.lastIndex === terms.length, "3 log matching", () => {
      return `node ${node} has ${log.lastIndex} entries, ${terms.length} were saved`;
    });
    for (let index = log.firstIndex as number; index <= log.lastIndex; index += 1) {
      ensure(log.term(asIndex(index)) === terms[index - 1], "3 log matching", () => {
        return `entry ${index} of node ${node} is of another term`;
      });
    }
    const from = everything ? log.firstIndex : Math.max(log.firstIndex, disk.compared + 1);
    if (from <= log.lastIndex) this.#compareBytes(node, log, asIndex(from));
    disk.compared = log.lastIndex;
  }

  #compareBytes(node: number, log: LogReader, from: LogIndex): void {
    for (const entry of log.slice(from, log.lastIndex, Number.POSITIVE_INFINITY)) {
      const known = this.#knownAt(entry.index, entry.term);
      ensure(hasData(known, entry.data), "3 log matching", () => {
        return `entry ${entry.index} of node ${node} is not what was saved`;
      });
    }
  }
}

const hasData = ({ entry, checksum }: Known, data: Uint8Array): boolean =>
  entry.data === data || (entry.data.length === data.length && checksum === crc32(data));
