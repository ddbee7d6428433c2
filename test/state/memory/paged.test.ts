// Paged arrays against a plain array, around the bounds of their pieces.

import { expect, test } from "vitest";
import { PagedDoubles, PagedWords } from "../../../src/state/memory/paged.ts";

const piece = 4096;

test.each([
  ["words", () => new PagedWords(), 4],
  ["doubles", () => new PagedDoubles(), 8],
])("%s keep what was set while they grow", (_, make, width) => {
  const paged = make();
  const lengths = [1, 8, 9, 100, piece - 1, piece, piece + 1, 3 * piece, 3 * piece + 1];
  let before = 0;
  for (const length of lengths) {
    paged.reserve(length);
    for (let at = before; at < length; at++) {
      expect(paged.get(at)).toBe(0);
      paged.set(at, at * 7 + 1);
    }
    before = length;
    for (let at = 0; at < length; at++) expect(paged.get(at)).toBe(at * 7 + 1);
    // A short one takes at most twice its length; a long one is a piece too long at most.
    const most = length <= piece ? Math.max(8, 2 * length) : length + piece;
    expect(paged.bytes).toBeLessThanOrEqual(most * width);
  }
});

test("they give back what lies beyond their length, but for one piece", () => {
  const paged = new PagedWords();
  paged.reserve(10 * piece);
  for (let at = 0; at < 10 * piece; at++) paged.set(at, at);
  paged.shrink(3 * piece);
  expect(paged.bytes).toBe(4 * piece * 4);
  paged.shrink(0);
  expect(paged.bytes).toBe(2 * piece * 4);
  for (let at = 0; at < piece; at++) expect(paged.get(at)).toBe(at);
  paged.reserve(3 * piece);
  expect(paged.get(3 * piece - 1)).toBe(0);
});

test("a little up and down at a bound makes and drops no piece each time", () => {
  const paged = new PagedWords();
  paged.reserve(2 * piece + 1);
  const { bytes } = paged;
  for (let round = 0; round < 10; round++) {
    paged.shrink(2 * piece);
    expect(paged.bytes).toBe(bytes);
    paged.reserve(2 * piece + 1);
    expect(paged.bytes).toBe(bytes);
  }
});
