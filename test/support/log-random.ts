// Seeded chance for the tests of the log: a failure names its seed and comes again with it.

export interface Random {
  /** In [0, below). */
  integer(below: number): number;
  chance(probability: number): boolean;
  bytes(length: number): Uint8Array;
}

/** Mulberry32. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const integer = (below: number) => Math.floor(next() * below);
  return {
    integer,
    chance: (probability) => next() < probability,
    bytes: (length) => Uint8Array.from({ length }, () => integer(256)),
  };
}
