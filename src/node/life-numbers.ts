// Numbers for the questions of one process, which no other life of the same node ever uses.

/** So many numbers in one life, and so many lives until the first number comes again. */
const numbersPerLife = 2 ** 32;
const livesMax = 2 ** 21;

/**
 * An answer names the number of its question and may be late: the one who asked may have died meanwhile. A life
 * that counted from 1 again would take that answer for one to its own question, and it was fixed before that
 * question was asked. So a number is made of the incarnation and a counter, and stays a safe integer.
 */
export class LifeNumbers {
  #last: number;

  constructor(incarnation: number) {
    this.#last = (incarnation % livesMax) * numbersPerLife;
  }

  /** Ascending. */
  next(): number {
    this.#last += 1;
    return this.#last;
  }
}
