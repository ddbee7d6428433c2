// The promises of a durable log in memory: for simulations and tests, where a crash is a call.

import { assert } from "../../src/assert.ts";
import type { Save } from "../../src/raft/core/core.ts";
import type { Entry, HardState, LogIndex, Membership, Term } from "../../src/raft/core/types.ts";
import type { LogStore, RestartPoint } from "../../src/raft/ports.ts";
import { LogState } from "../../src/raft/storage/log-state.ts";

export interface MemoryLogOptions {
  /** "call": a save is done when `flush` is called. "save": at once, before `save` returns. */
  readonly flushOn: "call" | "save";
}

export class MemoryLog implements LogStore {
  readonly #options: MemoryLogOptions;
  readonly #state = new LogState();
  /** From `firstIndex` on. */
  readonly #entries: Entry[] = [];
  #bytes = 0;
  #pending: (() => void) | null = null;
  #closed = false;

  constructor(options: MemoryLogOptions) {
    this.#options = options;
  }

  get firstIndex(): LogIndex {
    return this.#state.firstIndex;
  }

  get lastIndex(): LogIndex {
    return this.#state.lastIndex;
  }

  get hardState(): HardState {
    return this.#state.hardState;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** A save waits for `flush`. */
  get saving(): boolean {
    return this.#pending !== null;
  }

  term(index: LogIndex): Term | null {
    return this.#state.term(index);
  }

  isCached(): boolean {
    return true;
  }

  membershipAt(
    index: LogIndex,
  ): { readonly index: LogIndex; readonly membership: Membership } | null {
    return this.#state.membershipAt(index);
  }

  slice(from: LogIndex, to: LogIndex, bytesMax: number): readonly Entry[] {
    assert(from <= to, "a slice has an entry");
    assert(from >= this.firstIndex && to <= this.lastIndex, "a slice is inside of the log");
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index: number = from; index <= to; index += 1) {
      const entry = this.#entries[index - this.firstIndex];
      assert(entry !== undefined, "an entry inside of the log is there");
      bytes += entry.data.byteLength;
      if (bytes > bytesMax && entries.length > 0) break;
      entries.push(entry);
    }
    return entries;
  }

  save(save: Pick<Save, "hardState" | "entries">, done: () => void): void {
    assert(this.#pending === null, "one save is in flight at a time");
    assert(!this.#closed, "a closed log takes no save");
    let after: Entry | null = null;
    for (const entry of save.entries) {
      const problem = this.#state.problem(entry, after);
      assert(problem === null, `saved entries are contiguous: ${problem}`);
      after = entry;
    }
    const first = save.entries[0]?.index ?? this.firstIndex;
    assert(first >= this.firstIndex, "nothing is written below the first entry");
    this.#start(() => {
      if (save.hardState !== null) this.#state.hardState = save.hardState;
      for (const entry of save.entries) this.#append(entry);
      done();
    });
  }

  /** Drops all entries: the log goes on behind a snapshot. Part of the order of saves. */
  restart(point: RestartPoint, done: () => void): void {
    const { base, membership } = point;
    assert(this.#pending === null, "one save is in flight at a time");
    this.#start(() => {
      this.#state.restart(base);
      this.#entries.length = 0;
      this.#bytes = 0;
      const problem =
        membership === null ? null : this.#state.remember(membership.index, membership.data);
      assert(problem === null, `what was saved can be read: ${problem}`);
      done();
    });
  }

  #start(work: () => void): void {
    this.#pending = work;
    if (this.#options.flushOn === "save") this.flush();
  }

  /** The save in flight is on "disk": it is taken in and its `done` is called. */
  flush(): void {
    const pending = this.#pending;
    if (pending === null) return;
    this.#pending = null;
    pending();
  }

  #append(entry: Entry): void {
    const problem = this.#state.append(entry);
    assert(problem === null, `what was saved can be read: ${problem}`);
    const at = entry.index - this.firstIndex;
    for (const dropped of this.#entries.splice(at)) this.#bytes -= dropped.data.byteLength;
    this.#entries.push(entry);
    this.#bytes += entry.data.byteLength;
  }

  /** The power goes off: what was not flushed is lost, its `done` never comes. Then the log is used on. */
  crash(): void {
    this.#pending = null;
  }

  /** Cuts exactly, where a log in files cuts whole segments. */
  cutBefore(index: LogIndex): void {
    const first = Math.min(index, this.lastIndex + 1);
    if (first <= this.firstIndex) return;
    for (const dropped of this.#entries.splice(0, first - this.firstIndex)) {
      this.#bytes -= dropped.data.byteLength;
    }
    this.#state.cut(first);
  }

  /** Flushes the save in flight. */
  close(): Promise<void> {
    this.flush();
    this.#closed = true;
    return Promise.resolve();
  }
}
