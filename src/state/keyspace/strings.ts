// Strings, as commands handle them.

import type { Bytes } from "../../resp/reply.ts";
import { rawString } from "./types.ts";
import type { Kind, ValuePlace } from "./views.ts";

/** A string at a key, or an empty one where the key is missing. */
export class StringHandle {
  readonly #place: ValuePlace;

  constructor(place: ValuePlace) {
    this.#place = place;
  }

  /** There is no such key. */
  get isVacant(): boolean {
    return this.#place.isVacant;
  }
  get length(): number {
    return this.#place.length;
  }
  /** Changed in place since it was set. */
  get isRaw(): boolean {
    return this.#place.type === rawString;
  }

  /** [from, to), both within the string. */
  slice(from: number, to: number): Bytes {
    return this.#place.slice(from, to);
  }

  /** Overwrites from an offset on; zeros fill a gap behind the end. Costs what is written. */
  write(offset: number, bytes: Bytes): void {
    this.#place.write(offset, bytes, rawString);
  }
}

export const strings: Kind<StringHandle> = {
  name: "string",
  open: (place) => new StringHandle(place),
};
