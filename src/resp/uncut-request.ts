// A request of very many words, whose words are cut in steps: cutting all of them at once takes seconds.

import { cutBytes } from "./cut-bytes.ts";
import type { Bytes } from "./reply.ts";
import type { WordPlaces } from "./word-places.ts";

/** Words that one step cuts: about 0.1 ms. */
const stepWords = 1_000;

export class UncutRequest {
  readonly words: Bytes[];
  readonly #bytes: Buffer;
  readonly #places: WordPlaces;
  #at = 0;

  /** Both are its own from now on. */
  constructor(bytes: Buffer, places: WordPlaces) {
    this.#bytes = bytes;
    this.#places = places;
    // At once: an array that grows by and by is copied as a whole each time.
    this.words = new Array<Bytes>(places.count);
  }

  get byteLength(): number {
    return this.#bytes.length;
  }

  /** The next few words. True: `words` is whole. */
  cutSome(): boolean {
    const end = Math.min(this.#at + stepWords, this.words.length);
    for (let at = this.#at; at < end; at++) {
      this.words[at] = cutBytes(this.#bytes, this.#places.start(at), this.#places.end(at));
    }
    this.#at = end;
    return end === this.words.length;
  }
}
