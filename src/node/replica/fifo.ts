// A first-in first-out queue with constant-time ends.

import { assert } from "../../assert.ts";

/** Items before `#head` are gone; the array is compacted when they are more than half of it. */
export class Fifo<Item> {
  #items: Item[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: Item): void {
    this.#items.push(item);
  }

  first(): Item | undefined {
    return this.#items[this.#head];
  }

  at(position: number): Item {
    const item = this.#items[this.#head + position];
    assert(item !== undefined, "a position within the queue");
    return item;
  }

  shift(): Item {
    const item = this.at(0);
    this.#head++;
    if (this.#head > 32 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  *[Symbol.iterator](): IterableIterator<Item> {
    for (let at = this.#head; at < this.#items.length; at++) yield this.#items[at] as Item;
  }
}
