// Applies committed entries, a slice of them in each turn: a long one is left half done, and gone on with.

import { assert } from "../../assert.ts";
import { applySliceMs } from "../../constants.ts";
import type { Entry } from "../../raft/core/types.ts";
import type { Machine, ReplySink } from "../../state/execution/machine.ts";

export interface ApplierPorts {
  readonly machine: Machine;
  readonly sink: ReplySink;
  /** A clock that only ever goes forward, in ms. */
  readonly clockMs: () => number;
  /** An entry has been applied completely; only now does it count. */
  readonly whole: (entry: Entry) => void;
  /** Reads could run if no entry were half done. */
  readonly readsWait: () => boolean;
  /** Entries of so many bytes are applied, and none is half done. */
  readonly applied: (bytes: number) => void;
}

/**
 * Invariant: while an entry is half done (`machine.isApplying`) nobody else reads or changes the state, and
 * no entry is taken while one waits (`isBehind`), so they are applied in order. Reads that an entry
 * has kept waiting, half done as it was, come next after it: under many writes most turns end in the middle of an
 * entry, and no read would ever run. Reads that it did not keep waiting take no time from entries.
 */
export class Applier {
  readonly #ports: ApplierPorts;
  #entries: readonly Entry[] = [];
  /** The next one to be applied, or the one that is half done. */
  #at = 0;
  #bytes = 0;
  /** Entries are applied until then, the rest in the next turn. Null: none has been applied in this one. */
  #untilMs: number | null = null;
  /** The last turn ended in the middle of an entry, and reads could have run. */
  #owesReads = false;

  constructor(ports: ApplierPorts) {
    this.#ports = ports;
  }

  /** Committed entries wait; one of them may be half done. */
  get isBehind(): boolean {
    return this.#at < this.#entries.length;
  }
  /** This turn's time is over. */
  get isLate(): boolean {
    return this.#untilMs !== null && this.#ports.clockMs() >= this.#untilMs;
  }

  beginTurn(): void {
    this.#untilMs = null;
    this.#owesReads = this.#ports.machine.isApplying && this.#ports.readsWait();
  }

  take(entries: readonly Entry[]): void {
    assert(!this.isBehind, "entries are applied in order");
    this.#entries = entries;
    this.#at = 0;
    this.run();
  }

  /**
   * As much as there is time for in this turn, one step at least; nothing while a checkpoint waits for the disk, or when
   * it is the turn of reads.
   */
  run(): void {
    if (!this.isBehind || this.#ports.machine.isHeldUp || this.#areReadsNext) return;
    this.#untilMs ??= this.#ports.clockMs() + applySliceMs;
    do {
      const entry = this.#entries[this.#at] as Entry;
      if (!this.#apply(entry)) return;
      this.#at++;
      this.#bytes += entry.data.length;
      this.#ports.whole(entry);
    } while (this.isBehind && !this.#isTimeOver() && !this.#areReadsNext);
    if (!this.isBehind) this.#entries = [];
    this.#ports.applied(this.#bytes);
    this.#bytes = 0;
  }

  get #areReadsNext(): boolean {
    return this.#owesReads && !this.#ports.machine.isApplying && this.#ports.readsWait();
  }

  /** False: it is half done. */
  #apply(entry: Entry): boolean {
    const { machine, sink } = this.#ports;
    if (machine.isApplying) return machine.goOn(this.#isTimeOver);
    if (entry.kind === "data") return machine.apply(entry, sink, this.#isTimeOver);
    machine.pass(entry.index);
    return true;
  }

  readonly #isTimeOver = (): boolean => this.isLate || this.#ports.machine.isHeldUp;
}
