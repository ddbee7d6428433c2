// What a leader remembers of the writes it has ordered in its term: which number of an origin comes next.

/** A batch as its origin numbered it. */
export interface Numbers {
  readonly incarnation: number;
  readonly firstNumber: number;
  readonly count: number;
}

/**
 * A batch is ordered only if no number of its origin is missing before it, because no node could apply it behind a
 * gap. In each term an origin begins with its lowest pending number. All lower ones are committed; until the leader
 * has applied those as well, it refuses the batch. From then on each batch follows the one before. A leader's log
 * loses nothing of its term while it leads, so a batch that is in it needs no second entry, and the next number never
 * falls.
 */
export class OrderedWrites {
  readonly #highestApplied: (origin: number, incarnation: number) => number;
  /** By origin, its incarnation and the number after the last one ordered in `#term`. */
  readonly #next = new Map<number, { incarnation: number; number: number }>();
  #term = 0;

  constructor(highestApplied: (origin: number, incarnation: number) => number) {
    this.#highestApplied = highestApplied;
  }

  /** The number with which an origin has to go on; null when a later life of it has sent writes. */
  next(term: number, origin: number, incarnation: number): number | null {
    const row = term === this.#term ? this.#next.get(origin) : undefined;
    if (row !== undefined && incarnation < row.incarnation) return null;
    const ordered = row?.incarnation === incarnation ? row.number : 1;
    return Math.max(ordered, this.#highestApplied(origin, incarnation) + 1);
  }

  ordered(term: number, origin: number, { incarnation, firstNumber, count }: Numbers): void {
    if (term !== this.#term) this.#next.clear();
    this.#term = term;
    this.#next.set(origin, { incarnation, number: firstNumber + count });
  }
}
