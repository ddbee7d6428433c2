// The set of operations that a search has placed, as bits with a hash that follows every change.

/** Spreads a small integer over 32 bits (the finaliser of MurmurHash3). */
export function mixed(value: number): number {
  let hash = Math.imul(value + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

/**
 * Operations are numbered by their calls, so a set is nearly a prefix: full words, a ragged window, zero
 * words. Only the window has to be kept and compared.
 */
export class PlacedSet {
  readonly words: Uint32Array;
  /** Xor of the mixed members: one operation changes it in O(1), however long the history is. */
  hash = 0;
  /** The first word that is not full. */
  low = 0;
  /** One after the last word that is not zero. */
  high = 0;

  /** @param size members are in [0, size) */
  constructor(size: number) {
    this.words = new Uint32Array((size + 31) >>> 5);
  }

  /** Puts a member in or takes it out. */
  toggle(member: number): void {
    const word = member >>> 5;
    this.words[word] = (this.words[word] as number) ^ (1 << (member & 31));
    this.hash ^= mixed(member);
    this.low = Math.min(this.low, word);
    while (this.words[this.low] === 0xffffffff) this.low++;
    this.high = Math.max(this.high, word + 1);
    while (this.high > 0 && this.words[this.high - 1] === 0) this.high--;
  }
}
