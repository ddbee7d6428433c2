// Which keys are evicted: the pool of candidates, and the choice of a leader under each policy.

import { describe, expect, it, test } from "vitest";
import { evictionPoolKeys } from "../../../src/constants.ts";
import { createDatabases } from "../../../src/state/keyspace/database.ts";
import { evictionPolicyOf, noEviction } from "../../../src/state/keyspace/eviction-policy.ts";
import { EvictionPool } from "../../../src/state/keyspace/eviction-pool.ts";
import { Keyspace } from "../../../src/state/keyspace/keyspace.ts";
import { Victims } from "../../../src/state/keyspace/victims.ts";
import { roomBound } from "../../../src/state/memory/records.ts";
import { SeededRandom } from "../../../src/state/random.ts";

describe("the pool", () => {
  it("keeps the best that it was offered, and hands out the best first", () => {
    const pool = new EvictionPool();
    const random = new SeededRandom();
    random.seed(1, 1);
    const scores = Array.from({ length: 500 }, () => Math.floor(random.next() * 1e6));
    for (const [at, score] of scores.entries()) pool.offer({ database: 0, key: `k${at}`, score });
    const best = scores.toSorted((a, b) => b - a).slice(0, evictionPoolKeys);
    const taken: number[] = [];
    for (let next = pool.takeBest(); next !== undefined; next = pool.takeBest())
      taken.push(next.score);
    expect(taken).toEqual(best);
  });

  it("holds a key once", () => {
    const pool = new EvictionPool();
    for (let time = 0; time < 5; time++) pool.offer({ database: 0, key: "k", score: time });
    pool.offer({ database: 1, key: "k", score: 0 });
    expect(pool.size).toBe(2);
  });
});

const start = 1_700_000_000_000;

/** 1000 keys, used one after the other a second apart; those divisible by 3 have an expiry, the last ones the nearest. */
function filled(policy: string): { keyspace: Keyspace; victims: Victims; doomed: Set<string> } {
  const keyspace = new Keyspace(2, 7);
  keyspace.advance(start);
  keyspace.policy = evictionPolicyOf(policy) ?? noEviction;
  const [database] = createDatabases(keyspace);
  for (let key = 0; key < 1_000; key++) {
    keyspace.advance(start + key * 1_000);
    keyspace.touching = keyspace.access.counted !== "nothing";
    database?.replace(`${key}`, "value");
    for (let use = 0; use < key / 100; use++) database?.string(`${key}`);
    if (key % 3 === 0) database?.setExpireAt(`${key}`, start + 10_000_000 - key * 1_000);
  }
  const random = new SeededRandom();
  random.seed(3, 3);
  const doomed = new Set<string>();
  const victims = new Victims(keyspace, {
    random: () => random.next(),
    nowMs: () => keyspace.nowMs,
    samples: () => 5,
    isDoomed: (_, key) => doomed.has(key),
  });
  return { keyspace, victims, doomed };
}

function choose(policy: string, count: number): number[] {
  const { victims, doomed } = filled(policy);
  return Array.from({ length: count }, () => {
    const victim = victims.next();
    doomed.add(victim?.key ?? "");
    return Number(victim?.key);
  });
}

const mean = (keys: readonly number[]): number =>
  keys.reduce((sum, key) => sum + key, 0) / keys.length;

test.each([
  ["allkeys-lru", 250],
  ["allkeys-lfu", 400],
])("%s takes keys that were used long ago, or rarely", (policy, below) => {
  expect(mean(choose(policy, 100))).toBeLessThan(below);
});

test.each(["volatile-lru", "volatile-lfu", "volatile-ttl", "volatile-random"])(
  "%s takes only keys with an expiry",
  (policy) => {
    const chosen = choose(policy, 60);
    expect(chosen.filter((key) => key % 3 !== 0)).toEqual([]);
    if (policy === "volatile-ttl") expect(mean(chosen)).toBeGreaterThan(750);
    if (policy === "volatile-random") expect(Math.abs(mean(chosen) - 500)).toBeLessThan(150);
    else if (policy !== "volatile-ttl") expect(mean(chosen)).toBeLessThan(350);
  },
);

test("allkeys-random takes any key, each once", () => {
  const chosen = choose("allkeys-random", 500);
  expect(new Set(chosen).size).toBe(500);
  expect(Math.abs(mean(chosen) - 500)).toBeLessThan(60);
});

test("a lone key with an expiry is found among many without one", () => {
  const { keyspace, victims } = filled("volatile-ttl");
  const [database] = createDatabases(keyspace);
  for (let key = 0; key < 1_000; key++) if (key !== 600) database?.persist(`${key}`);
  expect(victims.next()?.key).toBe("600");
});

test("there is no victim under noeviction, nor in an empty keyspace", () => {
  expect(filled("noeviction").victims.next()).toBeNull();
  const { keyspace, victims } = filled("allkeys-lru");
  keyspace.clear(0);
  expect(victims.next()).toBeNull();
});

test("what records take follows every change of them, and stays within what a leader makes room for", () => {
  const keyspace = new Keyspace(2, 1);
  const [first] = createDatabases(keyspace);
  const used = (): number => keyspace.used;
  for (const length of [0, 1, 40, 500, 5_000, 16_384, 16_385, 100_000, 1_000_000]) {
    first?.replace("key", "x".repeat(length));
    expect(used()).toBeGreaterThan(3 + length);
    expect(used()).toBeLessThanOrEqual(roomBound(3 + length, 1));
    first?.setExpireAt("key", start);
    expect(used()).toBeLessThanOrEqual(roomBound(3 + length, 1));
  }
  first?.replace("key", "value");
  const one = used();
  first?.select(1).replace("key", "value");
  expect(used()).toBe(2 * one);
  keyspace.swap(0, 1);
  keyspace.clear(1);
  expect(used()).toBe(one);
  first?.delete("key");
  expect(used()).toBe(0);
});

test("a key's word goes where the key goes, and a new key begins anew", () => {
  const { keyspace } = filled("allkeys-lru");
  const [database] = createDatabases(keyspace);
  keyspace.touching = false;
  for (let key = 0; key < 1_000; key += 2) database?.delete(`${key}`);
  for (let key = 1; key < 1_000; key += 2) {
    expect(database?.idleSeconds(`${key}`)).toBe(999 - key);
  }
  keyspace.advance(start + 2_000_000);
  database?.replace("0", "again");
  // Nothing is counted for it: not the word of the key that stood there before.
  expect(database?.idleSeconds("0")).toBe(2_000);
});
