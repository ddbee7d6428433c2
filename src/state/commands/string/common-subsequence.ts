// The longest common subsequence of two strings, with the ranges where they agree.

import type { Bytes } from "../../../resp/reply.ts";
import type { Steps } from "../../steps.ts";

/** Cells of the table, or bytes of the walk back, that one step does: about half a millisecond. */
const stepCells = 64 * 1024;

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

/**
 * O(N*M) time, in steps; one bit per cell of memory. Among equally long ones the walk prefers `a`'s
 * later bytes.
 */
export function* commonSubsequence(a: Bytes, b: Bytes): Steps<CommonSubsequence> {
  const width = b.length + 1;
  const upwards = new Uint32Array(Math.ceil(((a.length + 1) * width) / 32));
  const length = yield* fill(a, b, upwards);

  const bytes: Bytes[] = [];
  const ranges: CommonRange[] = [];
  let run = 0;
  let i = a.length;
  let j = b.length;
  const endRun = () => {
    if (run > 0) ranges.push({ a: [i, i + run - 1], b: [j, j + run - 1], length: run });
    run = 0;
  };
  for (let steps = 1; i > 0 && j > 0; steps += 1) {
    if (steps % stepCells === 0) yield;
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
function* fill(a: Bytes, b: Bytes, upwards: Uint32Array): Steps<number> {
  const table = new Table(a, yield* codesOf(b), upwards);
  let left = stepCells;
  for (let i = 1; i <= a.length; i += 1) {
    for (let j = 1; j <= b.length; ) {
      const end = Math.min(b.length + 1, j + left);
      table.fillRow(i, j, end);
      left -= end - j;
      j = end;
      if (left > 0) continue;
      yield;
      left = stepCells;
    }
    table.endRow();
  }
  return table.length;
}

function* codesOf(text: Bytes): Steps<Uint8Array> {
  const codes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) {
    if (at > 0 && at % stepCells === 0) yield;
    codes[at] = text.charCodeAt(at);
  }
  return codes;
}

/** The lengths of the common subsequences of all beginnings of `a` and `b`, two rows at a time. */
class Table {
  readonly #a: Bytes;
  readonly #b: Uint8Array;
  readonly #upwards: Uint32Array;
  #above: Uint32Array;
  #row: Uint32Array;

  constructor(a: Bytes, b: Uint8Array, upwards: Uint32Array) {
    this.#a = a;
    this.#b = b;
    this.#upwards = upwards;
    this.#above = new Uint32Array(b.length + 1);
    this.#row = new Uint32Array(b.length + 1);
  }

  /** Of all that is filled. */
  get length(): number {
    return this.#above[this.#b.length] ?? 0;
  }

  /** Fills the cells [from, to) of row `i`; those before them are filled. */
  fillRow(i: number, from: number, to: number): void {
    const [codes, above, row, upwards] = [this.#b, this.#above, this.#row, this.#upwards];
    const code = this.#a.charCodeAt(i - 1);
    const rowStart = i * row.length;
    let left = row[from - 1] ?? 0;
    for (let j = from; j < to; j += 1) {
      const up = above[j] ?? 0;
      if (codes[j - 1] === code) {
        left = (above[j - 1] ?? 0) + 1;
      } else if (up > left) {
        left = up;
        mark(upwards, rowStart + j);
      }
      row[j] = left;
    }
  }

  endRow(): void {
    [this.#above, this.#row] = [this.#row, this.#above];
  }
}

function mark(bits: Uint32Array, at: number): void {
  bits[at >>> 5] = (bits[at >>> 5] ?? 0) | (1 << (at & 31));
}

function isMarked(bits: Uint32Array, at: number): boolean {
  return ((bits[at >>> 5] ?? 0) & (1 << (at & 31))) !== 0;
}
