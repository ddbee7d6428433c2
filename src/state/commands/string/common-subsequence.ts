// The longest common subsequence of two strings, with the ranges where they agree.

import type { Bytes } from "../../../resp/reply.ts";

/** Positions of one stretch that both strings share, ends included. */
export interface CommonRange {
  readonly a: readonly [first: number, last: number];
  readonly b: readonly [first: number, last: number];
  readonly length: number;
}

export interface CommonSubsequence {
  readonly length: number;
  readonly text: Bytes;
  /** From the end of the strings to their start, the order in which LCS IDX lists them. */
  readonly ranges: readonly CommonRange[];
}

/** O(N*M) time; one bit per cell of memory. Among equally long ones the walk prefers `a`'s later bytes. */
export function commonSubsequence(a: Bytes, b: Bytes): CommonSubsequence {
  const width = b.length + 1;
  const upwards = new Uint32Array(Math.ceil(((a.length + 1) * width) / 32));
  const length = fill(a, b, upwards);

  const bytes: Bytes[] = [];
  const ranges: CommonRange[] = [];
  let run = 0;
  let i = a.length;
  let j = b.length;
  const endRun = () => {
    if (run > 0) ranges.push({ a: [i, i + run - 1], b: [j, j + run - 1], length: run });
    run = 0;
  };
  while (i > 0 && j > 0) {
    if (a.charCodeAt(i - 1) === b.charCodeAt(j - 1)) {
      i -= 1;
      j -= 1;
      run += 1;
      bytes.push(a.charAt(i));
      continue;
    }
    endRun();
    if (isMarked(upwards, i * width + j)) i -= 1;
    else j -= 1;
  }
  endRun();
  return { length, text: bytes.reverse().join(""), ranges };
}

/** The length; notes in `upwards` the cells from which the longer rest lies one byte of `a` back. */
function fill(a: Bytes, b: Bytes, upwards: Uint32Array): number {
  const width = b.length + 1;
  const codes = new Uint8Array(b.length);
  for (let j = 0; j < b.length; j += 1) codes[j] = b.charCodeAt(j);

  let above = new Uint32Array(width);
  let row = new Uint32Array(width);
  for (let i = 1; i <= a.length; i += 1) {
    const code = a.charCodeAt(i - 1);
    let left = 0;
    for (let j = 1; j < width; j += 1) {
      const up = above[j] ?? 0;
      if (codes[j - 1] === code) {
        left = (above[j - 1] ?? 0) + 1;
      } else if (up > left) {
        left = up;
        mark(upwards, i * width + j);
      }
      row[j] = left;
    }
    [above, row] = [row, above];
  }
  return above[b.length] ?? 0;
}

function mark(bits: Uint32Array, at: number): void {
  bits[at >>> 5] = (bits[at >>> 5] ?? 0) | (1 << (at & 31));
}

function isMarked(bits: Uint32Array, at: number): boolean {
  return ((bits[at >>> 5] ?? 0) & (1 << (at & 31))) !== 0;
}
