// The middle of a few noisy figures.

import { assert } from "../src/assert.ts";

export function median(values: readonly number[]): number {
  assert(values.length > 0, "a median needs a value");
  const sorted = [...values].sort((a, b) => a - b);
  const high = sorted[Math.floor(sorted.length / 2)] as number;
  const low = sorted[Math.floor((sorted.length - 1) / 2)] as number;
  return (low + high) / 2;
}
