// What a leader remembers of the writes it has ordered in its term: that no number of an origin is skipped.

/** A batch as its origin numbered it. */
export interface Numbers {
  readonly incarnation: number;
  readonly firstNumber: number;
  readonly count: number;
}

/**
 * The first batch of an origin in a term follows what is applied here, each later one that or the batch before:
 * when a batch is ordered once more, those behind it may be applied by now and do not come again.
 *
 * Not whatever comes first: a leader that refused a batch (it did not know yet that it led, or was handing
 * over) may be sent the next one before its refusal arrives, and no node could ever apply what has a gap
 * before it. An origin begins with its lowest pending number, and all lower ones are committed: until they
 * are applied here too, the batch is refused and comes again.
 */
export class OrderedWrites {
  readonly #highestApplied: (origin: number, incarnation: number) => number;
  /** By origin, its incarnation and the number after the last one ordered in `#term`. */
  readonly #next = new Map<number, { incarnation: number; number: number }>();
  #term = 0;

  constructor(highestApplied: (origin: number, incarnation: number) => number) {
    this.#highestApplied = highestApplied;
  }

  follows(term: number, origin: number, { incarnation, firstNumber }: Numbers): boolean {
    const next = term === this.#term ? this.#next.get(origin) : undefined;
    if (next !== undefined && incarnation < next.incarnation) return false;
    const ordered = next?.incarnation === incarnation ? next.number : 1;
    return firstNumber <= Math.max(ordered, this.#highestApplied(origin, incarnation) + 1);
  }

  ordered(term: number, origin: number, { incarnation, firstNumber, count }: Numbers): void {
    if (term !== this.#term) this.#next.clear();
    this.#term = term;
    this.#next.set(origin, { incarnation, number: firstNumber + count });
  }
}
