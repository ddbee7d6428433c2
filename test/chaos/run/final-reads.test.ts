// What each node showed in the end, and whether that may be.

import { expect, test } from "vitest";
import { differences } from "./final-reads.ts";

const viewsOf = (key: string, values: readonly (string | null)[]) =>
  values.map((value) => new Map([[key, value]]));

test.each([
  ["list:0:1a", ["a", "a", "a"], 0],
  ["list:0:1a", [null, null, null], 0],
  ["list:0:1a", ["a", "b", "a"], 1],
  ["list:0:1a", ["a", null, null], 1], // Only texts have a TTL.
  ["text:0:0", ["a", null, null], 0], // Expired between the first read and the second.
  ["text:0:0", [null, "a", "a"], 1],
  ["text:0:0", ["a", null, "a"], 1],
  ["text:0:0", ["a", "b", null], 1],
] as const)("%s, read as %j: %i differences", (key, values, count) => {
  expect(differences([key], viewsOf(key, values))).toHaveLength(count);
});
