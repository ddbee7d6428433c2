// The best candidates for eviction of the last few samples: a small sample each time, and yet nearly the best of all.

import { evictionPoolKeys } from "../../constants.ts";
import type { Bytes } from "../../resp/reply.ts";

export interface Candidate {
  /** Id of the physical database. */
  readonly database: number;
  readonly key: Bytes;
  /** The higher, the sooner it goes. */
  readonly score: number;
}

/** Ascending by score. Its keys may have gone or been used since: whoever takes one looks at it again. */
export class EvictionPool {
  readonly #candidates: Candidate[] = [];

  get size(): number {
    return this.#candidates.length;
  }

  /** A full pool keeps the better ones. */
  offer(candidate: Candidate): void {
    const all = this.#candidates;
    let at = all.length;
    while (at > 0 && (all[at - 1] as Candidate).score > candidate.score) at--;
    if (all.length === evictionPoolKeys && at === 0) return;
    if (this.#has(candidate)) return;
    all.splice(at, 0, candidate);
    if (all.length > evictionPoolKeys) all.shift();
  }

  takeBest(): Candidate | undefined {
    return this.#candidates.pop();
  }

  clear(): void {
    this.#candidates.length = 0;
  }

  #has({ database, key }: Candidate): boolean {
    return this.#candidates.some((each) => each.key === key && each.database === database);
  }
}
