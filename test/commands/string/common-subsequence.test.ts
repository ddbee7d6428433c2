// The longest common subsequence against its definition.

import fc from "fast-check";
import { expect, test } from "vitest";
import { finish } from "../../../src/state/commands/sliced.ts";
import { commonSubsequence } from "../../../src/state/commands/string/common-subsequence.ts";

function isSubsequence(part: string, whole: string): boolean {
  let at = 0;
  for (const char of whole) if (char === part[at]) at += 1;
  return at === part.length;
}

/** By recursion over the definition, for short strings. */
function longest(a: string, b: string): number {
  if (a === "" || b === "") return 0;
  if (a[0] === b[0]) return 1 + longest(a.slice(1), b.slice(1));
  return Math.max(longest(a.slice(1), b), longest(a, b.slice(1)));
}

const short = fc.string({ unit: fc.constantFrom("a", "b", "c", "\u00ff"), maxLength: 8 });

test("it is a subsequence of both strings, and none is longer", () => {
  fc.assert(
    fc.property(short, short, (a, b) => {
      const { text, length } = finish(commonSubsequence(a, b));
      expect(isSubsequence(text, a) && isSubsequence(text, b)).toBe(true);
      expect(length).toBe(text.length);
      expect(length).toBe(longest(a, b));
    }),
  );
});

test("the ranges spell the text, from the end to the start", () => {
  fc.assert(
    fc.property(short, short, (a, b) => {
      const { text, ranges } = finish(commonSubsequence(a, b));
      const spelled = [...ranges].reverse();
      expect(spelled.map((range) => a.slice(range.a[0], range.a[1] + 1)).join("")).toBe(text);
      expect(spelled.map((range) => b.slice(range.b[0], range.b[1] + 1)).join("")).toBe(text);
      for (const range of ranges) expect(range.length).toBe(range.a[1] - range.a[0] + 1);
    }),
  );
});
