// A first-in first-out queue with constant-time ends.

import { assert } from "../../assert.ts";

const placesMin = 16;

/**
 * A ring of 2^n places. What has left it is not referred to any more: a queue lives long, so V8 would carry
 * all that its empty places still name into the old generation.
 */
export class Fifo<Item> {
  #places: (Item | undefined)[] = new Array(placesMin).fill(undefined);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: Item): void {
    if (this.#length === this.#places.length) this.#resize(2 * this.#length);
    this.#places[(this.#head + this.#length) & (this.#places.length - 1)] = item;
    this.#length++;
  }

  first(): Item | undefined {
    return this.#places[this.#head];
  }

  at(position: number): Item {
    const item = this.#places[(this.#head + position) & (this.#places.length - 1)];
    assert(
      position >= 0 && position < this.#length && item !== undefined,
      "a position within the queue",
    );
    return item;
  }

  shift(): Item {
    const item = this.at(0);
    this.#places[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#places.length - 1);
    this.#length--;
    const places = this.#places.length;
    if (places > placesMin && 4 * this.#length <= places) this.#resize(places / 2);
    return item;
  }

  *[Symbol.iterator](): IterableIterator<Item> {
    for (let position = 0; position < this.#length; position++) yield this.at(position);
  }

  #resize(places: number): void {
    const items = [...this];
    this.#places = items.concat(new Array(places - items.length).fill(undefined));
    this.#head = 0;
  }
}
