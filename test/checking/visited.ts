// The configurations (placed operations, state) a search has been in: Lowe's cache, compared exactly.

import { mixed, type PlacedSet } from "./placed-set.ts";

/** Places in an entry; the words of the window follow. */
const next = 0;
const hash = 1;
const state = 2;
const low = 3;
const length = 4;
const header = 5;

/**
 * A hash table with chains in one flat array. Entry 0 is the end of every chain. Two orders that placed
 * the same operations and ended in the same state have the same future, so one visit is enough (Lowe 2017).
 */
export class Visited {
  #pool = new Uint32Array(1 << 12);
  #used = header;
  #heads = new Uint32Array(1 << 8);
  #count = 0;

  /** False when the configuration is known already. */
  add(placed: PlacedSet, stateNumber: number): boolean {
    const key = (placed.hash ^ mixed(stateNumber)) >>> 0;
    const from = placed.low;
    const words = placed.words.subarray(from, Math.max(placed.high, from));
    if (this.#has({ key, stateNumber, from, words })) return false;
    if (this.#count === this.#heads.length) this.#growTable();
    this.#append({ key, stateNumber, from, words });
    return true;
  }

  #has({ key, stateNumber, from, words }: Configuration): boolean {
    const pool = this.#pool;
    let entry = this.#heads[key & (this.#heads.length - 1)] as number;
    for (; entry !== 0; entry = pool[entry + next] as number) {
      const isSame =
        pool[entry + hash] === key &&
        pool[entry + state] === stateNumber &&
        pool[entry + low] === from &&
        pool[entry + length] === words.length;
      if (isSame && words.every((word, at) => pool[entry + header + at] === word)) return true;
    }
    return false;
  }

  #append({ key, stateNumber, from, words }: Configuration): void {
    const entry = this.#used;
    this.#used += header + words.length;
    if (this.#used > this.#pool.length) this.#growPool();
    this.#pool.set([0, key, stateNumber, from, words.length], entry);
    this.#pool.set(words, entry + header);
    this.#link(entry);
    this.#count++;
  }

  #link(entry: number): void {
    const bucket = (this.#pool[entry + hash] as number) & (this.#heads.length - 1);
    this.#pool[entry + next] = this.#heads[bucket] as number;
    this.#heads[bucket] = entry;
  }

  #growPool(): void {
    const larger = new Uint32Array(2 * this.#used);
    larger.set(this.#pool);
    this.#pool = larger;
  }

  #growTable(): void {
    this.#heads = new Uint32Array(2 * this.#heads.length);
    let entry = header;
    while (entry < this.#used) {
      this.#link(entry);
      entry += header + (this.#pool[entry + length] as number);
    }
  }
}

interface Configuration {
  readonly key: number;
  readonly stateNumber: number;
  readonly from: number;
  readonly words: Uint32Array;
}
