// The keys with an expiry in the order in which they fall due: a binary heap in parallel arrays.

import type { Bytes } from "../../resp/reply.ts";

/** One key's expiry: Unix time in ms, id of the physical database, key. */
export interface DueKey {
  readonly atMs: number;
  readonly database: number;
  readonly key: Bytes;
}

/** Entries below this are never worth a rebuild. */
const rebuildMin = 1024;

/**
 * The order (time, database, key) is total, so what comes out first depends on the expiries alone and
 * never on how they came in. An expiry that is changed or removed leaves its entry behind: whoever
 * takes the first entry compares it with the key's present expiry. Once such stale entries are the
 * majority, `wantsRebuild` says so.
 */
export class ExpiryHeap {
  readonly #times: number[] = [];
  readonly #databases: number[] = [];
  readonly #keys: Bytes[] = [];
  #live = 0;

  get size(): number {
    return this.#times.length;
  }
  get wantsRebuild(): boolean {
    return this.size >= rebuildMin && this.size > 2 * this.#live;
  }

  add(atMs: number, database: number, key: Bytes): void {
    this.#live++;
    this.#times.push(atMs);
    this.#databases.push(database);
    this.#keys.push(key);
    this.#rise(this.#times.length - 1);
  }

  /** So many entries became stale: their expiries were changed or removed. */
  forget(count: number): void {
    this.#live -= count;
  }

  first(): DueKey | undefined {
    return this.size === 0 ? undefined : this.#entry(0);
  }

  /** The time of the first entry, stale or not; Infinity when there is none. */
  get firstTimeMs(): number {
    return this.#times[0] ?? Number.POSITIVE_INFINITY;
  }

  removeFirst(): void {
    const atMs = this.#times.pop();
    const database = this.#databases.pop();
    const key = this.#keys.pop();
    if (this.size === 0 || atMs === undefined) return;
    this.#times[0] = atMs;
    this.#databases[0] = database as number;
    this.#keys[0] = key as Bytes;
    this.#sink(0);
  }

  /** Begins again with exactly these entries. */
  rebuild(entries: Iterable<DueKey>): void {
    this.#times.length = 0;
    this.#databases.length = 0;
    this.#keys.length = 0;
    for (const { atMs, database, key } of entries) {
      this.#times.push(atMs);
      this.#databases.push(database);
      this.#keys.push(key);
    }
    this.#live = this.size;
    for (let at = (this.size >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  #entry(at: number): DueKey {
    return {
      atMs: this.#times[at] as number,
      database: this.#databases[at] as number,
      key: this.#keys[at] as Bytes,
    };
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#exchange(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    const size = this.size;
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= size) return;
      const right = left + 1;
      const child = right < size && this.#before(right, left) ? right : left;
      if (!this.#before(child, at)) return;
      this.#exchange(at, child);
      at = child;
    }
  }

  #before(a: number, b: number): boolean {
    const timeA = this.#times[a] as number;
    const timeB = this.#times[b] as number;
    if (timeA !== timeB) return timeA < timeB;
    const databaseA = this.#databases[a] as number;
    const databaseB = this.#databases[b] as number;
    if (databaseA !== databaseB) return databaseA < databaseB;
    return (this.#keys[a] as Bytes) < (this.#keys[b] as Bytes);
  }

  #exchange(a: number, b: number): void {
    const time = this.#times[a] as number;
    this.#times[a] = this.#times[b] as number;
    this.#times[b] = time;
    const database = this.#databases[a] as number;
    this.#databases[a] = this.#databases[b] as number;
    this.#databases[b] = database;
    const key = this.#keys[a] as Bytes;
    this.#keys[a] = this.#keys[b] as Bytes;
    this.#keys[b] = key;
  }
}
