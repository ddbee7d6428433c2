// Numbers for the questions of one process, which no other incarnation of the same node ever uses.

/** How many numbers one incarnation has, and after how many incarnations the numbers repeat. */
const numbersPerLife = 2 ** 32;
const livesMax = 2 ** 21;

/**
 * An answer names the number of its question, and may arrive when the process that asked is dead. If the next
 * incarnation counted from 1 again, it would take that answer for one to its own question, although the answer was
 * fixed before that question was asked. So a number is made of the incarnation and a counter, and stays a safe
 * integer.
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
