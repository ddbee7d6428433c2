// Hashes of keys: equal from strings and from bytes, and nobody can prepare many of one hash.

import { describe, expect, test } from "vitest";
import { KeyHasher } from "../../../src/state/keyspace/key-hash.ts";
import { seeded } from "../../support/log-random.ts";

const hashers = Array.from(
  { length: 20 },
  (_, nth) => new KeyHasher(Math.imul(nth + 1, 0x61c88647)),
);

/** How many keys have a hash that another one has. */
function duplicates(hasher: KeyHasher, keys: readonly string[]): number {
  return keys.length - new Set(keys.map((key) => hasher.hashOf(key))).size;
}

describe("the hash of a key", () => {
  test("is the same from a string and from bytes, at every length", () => {
    const random = seeded(3);
    for (let length = 0; length < 1_030; length++) {
      const bytes = Buffer.from(Array.from({ length }, () => random.integer(256)));
      const key = bytes.toString("latin1");
      for (const hasher of hashers.slice(0, 3)) {
        hasher.take(key);
        expect(hasher.hash).toBe(hasher.hashOf(key));
        if (length <= 1_024) expect(hasher.hashOfBytes(bytes, 0, length)).toBe(hasher.hash);
      }
    }
  });

  test.for([
    ["numbers with zeros before them", (nth: number) => `key:${String(nth).padStart(12, "0")}`],
    ["numbers", (nth: number) => `user:${nth}`],
    ["eight digits", (nth: number) => String(nth).padStart(8, "0")],
    ["zeros within them", (nth: number) => `a${"\0".repeat(nth % 7)}${nth}`],
  ] as const)("is shared by chance alone, for %s", ([, keyOf]) => {
    const keys = Array.from({ length: 50_000 }, (_, nth) => keyOf(nth));
    for (const hasher of hashers) expect(duplicates(hasher, keys)).toBeLessThan(10);
  });

  /** What cancels out within the hash, should one step of it let a difference through. */
  test.for([
    ["the highest bit of a word, and what it becomes", [3, 0x80, 6, 0x01, 7, 0x80]],
    ["the highest bit of a half word, and what it becomes", [1, 0x80, 2, 0x01, 3, 0x80]],
    ["the highest bit of a byte, twice", [0, 0x80, 1, 0x80]],
    ["the highest bits of two words", [3, 0x80, 7, 0x80]],
  ] as const)("is not shared by keys that differ in %s", ([, flips]) => {
    const group = 8;
    const groups = 10;
    const keys = Array.from({ length: 2 ** groups }, (_, nth) => {
      const bytes = Buffer.alloc(group * groups, "a");
      for (let each = 0; each < groups; each++) {
        if ((nth & (1 << each)) === 0) continue;
        for (let at = 0; at < flips.length; at += 2) {
          const place = group * each + (flips[at] as number);
          bytes[place] = (bytes[place] as number) ^ (flips[at + 1] as number);
        }
      }
      return bytes.toString("latin1");
    });
    for (const hasher of hashers) expect(duplicates(hasher, keys)).toBeLessThan(4);
  });
});
