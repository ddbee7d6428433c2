// Where the words of one request begin and end, in memory that is used again for the next one.

import { assert } from "../assert.ts";

/** Words of a page: half a MiB, which appears without a pause. */
const pageWords = 64 * 1024;
/** The first page begins this small and doubles, because most requests have few words. */
const firstWords = 8;
/** Room that is kept between requests, in words. */
const keptWords = 1024;

/** Grows with the words that are really there; a request's claimed count allocates nothing. */
export class WordPlaces {
  count = 0;
  /** All but the last are full. */
  #pages: Int32Array[] = [new Int32Array(2 * firstWords)];
  #page = this.#first;
  /** The word that the last page begins with. */
  #pageStart = 0;

  get memoryBytes(): number {
    return (this.#pages.length - 1) * pageWords * 8 + this.#page.byteLength;
  }

  add(start: number, end: number): void {
    let at = 2 * (this.count - this.#pageStart);
    if (at === this.#page.length) {
      this.#grow();
      at = 2 * (this.count - this.#pageStart);
    }
    this.#page[at] = start;
    this.#page[at + 1] = end;
    this.count++;
  }

  start(word: number): number {
    return this.#at(word, 0);
  }

  end(word: number): number {
    return this.#at(word, 1);
  }

  clear(): void {
    this.count = 0;
    if (this.#pages.length === 1 && this.#page.length <= 2 * keptWords) return;
    this.#pages = [new Int32Array(2 * firstWords)];
    this.#page = this.#first;
    this.#pageStart = 0;
  }

  get #first(): Int32Array {
    const [first] = this.#pages;
    assert(first !== undefined, "there is a first page");
    return first;
  }

  #at(word: number, side: 0 | 1): number {
    if (word >= this.#pageStart) return this.#page[2 * (word - this.#pageStart) + side] ?? 0;
    const page = this.#pages[Math.floor(word / pageWords)];
    return page?.[2 * (word % pageWords) + side] ?? 0;
  }

  #grow(): void {
    if (this.#page.length < 2 * pageWords) {
      const larger = new Int32Array(2 * this.#page.length);
      larger.set(this.#page);
      this.#pages[this.#pages.length - 1] = larger;
      this.#page = larger;
      return;
    }
    this.#page = new Int32Array(2 * pageWords);
    this.#pages.push(this.#page);
    this.#pageStart = this.count;
  }
}
