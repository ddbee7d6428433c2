// The records with an expiry in the order in which they fall due: a heap in typed arrays.

import { PagedDoubles, PagedWords } from "./paged.ts";

/** The records as the heap needs them. */
export interface DueRecords {
  /** Which of two records that fall due at the same time comes first. Total, and equal on every node. */
  isBefore(a: number, b: number): boolean;
  /** The record at this address now stands at this place of the heap. */
  placed(address: number, place: number): void;
}

/** What one of them takes here: a time and an address. */
export const dueCellBytes = 12;

/**
 * A 4-ary heap of (time, address). Each record knows its place, so nothing stale stays in the heap and nothing is ever
 * rebuilt: 12 bytes for each here, and 4 in the record.
 */
export class DueHeap {
  size = 0;
  readonly #records: DueRecords;
  readonly #times = new PagedDoubles();
  readonly #addresses = new PagedWords();

  constructor(records: DueRecords) {
    this.#records = records;
  }

  /** When the first one falls due; Infinity when there is none. */
  get firstTimeMs(): number {
    return this.size === 0 ? Number.POSITIVE_INFINITY : this.#times.get(0);
  }
  get firstAddress(): number {
    return this.#addresses.get(0);
  }

  addressAt(place: number): number {
    return this.#addresses.get(place);
  }

  add(timeMs: number, address: number): void {
    const place = this.size++;
    this.#times.reserve(this.size);
    this.#addresses.reserve(this.size);
    this.#rise(place, timeMs, address);
  }

  /** The record at a place falls due at another time. */
  change(place: number, timeMs: number): void {
    const address = this.#addresses.get(place);
    if (timeMs < this.#times.get(place)) this.#rise(place, timeMs, address);
    else this.#sink(place, timeMs, address);
  }

  /** The record at a place comes earlier than before among those of its time. */
  rise(place: number): void {
    this.#rise(place, this.#times.get(place), this.#addresses.get(place));
  }

  remove(place: number): void {
    const last = --this.size;
    if (place !== last) {
      const timeMs = this.#times.get(last);
      const address = this.#addresses.get(last);
      const parent = (place - 1) >> 2;
      if (place > 0 && this.#isBefore(timeMs, address, parent)) this.#rise(place, timeMs, address);
      else this.#sink(place, timeMs, address);
    }
    if ((last & 0xfff) === 0) {
      this.#times.shrink(last);
      this.#addresses.shrink(last);
    }
  }

  /** The record at a place lies at another address. */
  moved(place: number, address: number): void {
    this.#addresses.set(place, address);
  }

  get bytes(): number {
    return this.#times.bytes + this.#addresses.bytes;
  }

  #rise(from: number, timeMs: number, address: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (!this.#isBefore(timeMs, address, parent)) break;
      this.#put(at, this.#times.get(parent), this.#addresses.get(parent));
      at = parent;
    }
    this.#put(at, timeMs, address);
  }

  #sink(from: number, timeMs: number, address: number): void {
    let at = from;
    for (;;) {
      const child = this.#firstChild(at);
      if (child === 0 || this.#isBefore(timeMs, address, child)) break;
      this.#put(at, this.#times.get(child), this.#addresses.get(child));
      at = child;
    }
    this.#put(at, timeMs, address);
  }

  /** The child that comes first; 0 when there is none. */
  #firstChild(at: number): number {
    const first = 4 * at + 1;
    if (first >= this.size) return 0;
    const end = Math.min(first + 4, this.size);
    let best = first;
    for (let child = first + 1; child < end; child++) {
      if (this.#isBefore(this.#times.get(child), this.#addresses.get(child), best)) best = child;
    }
    return best;
  }

  #isBefore(timeMs: number, address: number, place: number): boolean {
    const other = this.#times.get(place);
    if (timeMs !== other) return timeMs < other;
    return this.#records.isBefore(address, this.#addresses.get(place));
  }

  #put(at: number, timeMs: number, address: number): void {
    this.#times.set(at, timeMs);
    this.#addresses.set(at, address);
    this.#records.placed(address, at);
  }
}
