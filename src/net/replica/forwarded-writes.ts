// What the leader remembers of the writes that other nodes forward: that no number is skipped.

import type { ForwardHeader } from "../frames.ts";

/**
 * By origin: its incarnation and the number after the last one taken in this term. The first frame
 * of an origin in a term sets the place: an origin begins with its lowest pending number, and all
 * lower ones are committed.
 */
export class ForwardedWrites {
  readonly #next = new Map<number, { incarnation: number; number: number }>();

  /** A new term: every origin sends again. */
  clear(): void {
    this.#next.clear();
  }

  follows(origin: number, header: ForwardHeader): boolean {
    const next = this.#next.get(origin);
    if (next === undefined || header.incarnation > next.incarnation) return true;
    return header.incarnation === next.incarnation && header.firstNumber <= next.number;
  }

  took(origin: number, header: ForwardHeader): void {
    const number = header.firstNumber + header.count;
    this.#next.set(origin, { incarnation: header.incarnation, number });
  }
}
