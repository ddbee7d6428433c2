// The seeded generator behind every random pick of a write: equal on every node.

const twoTo53 = 2 ** 53;

/**
 * sfc32 (small fast counter, 128 bits of state): passes the usual statistical batteries and needs
 * 32-bit integer arithmetic alone, which every engine does alike.
 */
export class SeededRandom {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  /** Starts again: the same two numbers (32 bits each) give the same sequence. */
  seed(seed: number, position: number): void {
    this.#a = seed | 0;
    this.#b = position | 0;
    this.#c = 0x9e3779b9 | 0;
    this.#counter = 1;
    for (let round = 0; round < 12; round++) this.#draw();
  }

  /** In [0, 1), with 53 random bits. */
  next(): number {
    const high = this.#draw() >>> 5;
    const low = this.#draw() >>> 6;
    return (high * 0x400_0000 + low) / twoTo53;
  }

  /** An integer in [0, 2^32). */
  #draw(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }
}
