// What a handler may know of its moment: chance and time of an entry, or of a read.

import type { Keyspace } from "../keyspace/keyspace.ts";
import type { Moment } from "../keyspace/views.ts";
import { SeededRandom } from "../random.ts";

/** The moment of one request of an entry; one object for all. */
export class EntryMoment implements Moment {
  readonly #keyspace: Keyspace;
  readonly #generator = new SeededRandom();
  #seed = 0;
  #position = 0;
  #isSeeded = false;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  get nowMs(): number {
    return this.#keyspace.nowMs;
  }

  begin(seed: number, position: number): void {
    this.#seed = seed;
    this.#position = position;
    this.#isSeeded = false;
  }

  /** Bound, so that a handler may pass it on. */
  readonly random = (): number => {
    if (!this.#isSeeded) this.#generator.seed(this.#seed, this.#position);
    this.#isSeeded = true;
    return this.#generator.next();
  };
}

/** The moment of one read. */
export class ReadMoment implements Moment {
  readonly #keyspace: Keyspace;
  random: () => number = () => 0;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  get nowMs(): number {
    return this.#keyspace.nowMs;
  }
}
