// Where the words of one request begin and end, in memory that is used again for the next one.

/** Room that is kept between requests, in words. */
const keptWords = 1024;
const firstWords = 8;

/** Grows with the words that are really there; a request's claimed count allocates nothing. */
export class WordPlaces {
  count = 0;
  #places = new Int32Array(2 * firstWords);

  add(start: number, end: number): void {
    const at = 2 * this.count;
    if (at === this.#places.length) {
      const larger = new Int32Array(2 * at);
      larger.set(this.#places);
      this.#places = larger;
    }
    this.#places[at] = start;
    this.#places[at + 1] = end;
    this.count++;
  }

  start(word: number): number {
    return this.#places[2 * word] ?? 0;
  }

  end(word: number): number {
    return this.#places[2 * word + 1] ?? 0;
  }

  clear(): void {
    this.count = 0;
    if (this.#places.length > 2 * keptWords) this.#places = new Int32Array(2 * firstWords);
  }
}
