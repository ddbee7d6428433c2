// The newest entries of the log in memory, bounded by bytes.

import type { Entry } from "../core/types.ts";
import { recordHeadBytes } from "../record.ts";

/** What an entry costs besides its data: its record's head, and its objects. */
const entryOverheadBytes = recordHeadBytes + 160;

export class EntryCache {
  readonly #bytesMax: number;
  /** Undefined below `#head`. */
  #entries: (Entry | undefined)[] = [];
  #head = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Index of the first entry held; Infinity when there is none. */
  get firstIndex(): number {
    return this.#entries[this.#head]?.index ?? Number.POSITIVE_INFINITY;
  }

  get(index: number): Entry | undefined {
    const first = this.#entries[this.#head];
    return first === undefined || index < first.index
      ? undefined
      : this.#entries[this.#head + index - first.index];
  }

  /**
   * Adds the log's new last entry. Entries that it overwrites are dropped; when it does not follow the newest one,
   * all are.
   */
  append(entry: Entry): void {
    let newest = this.#entries.at(-1);
    while (newest !== undefined && newest.index >= entry.index) {
      this.#entries.pop();
      this.#bytes -= cost(newest);
      if (this.#entries.length <= this.#head) break;
      newest = this.#entries.at(-1);
    }
    if (this.#entries.length <= this.#head || newest?.index !== entry.index - 1) this.clear();
    this.#entries.push(entry);
    this.#bytes += cost(entry);
    this.#dropBeyondLimit();
  }

  clear(): void {
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  /** The log begins with this index now. */
  dropBelow(first: number): void {
    while (this.firstIndex < first) this.#dropOldest();
    this.#compact();
  }

  /** The newest entry always stays. */
  #dropBeyondLimit(): void {
    while (this.#bytes > this.#bytesMax && this.#entries.length - this.#head > 1) {
      this.#dropOldest();
    }
    this.#compact();
  }

  #dropOldest(): void {
    const oldest = this.#entries[this.#head];
    if (oldest !== undefined) this.#bytes -= cost(oldest);
    this.#entries[this.#head] = undefined;
    this.#head += 1;
  }

  /** Not at each drop: it costs the length of the array. */
  #compact(): void {
    if (this.#head < 64 || this.#head * 2 < this.#entries.length) return;
    this.#entries = this.#entries.slice(this.#head);
    this.#head = 0;
  }
}

const cost = (entry: Entry): number => entry.data.byteLength + entryOverheadBytes;
