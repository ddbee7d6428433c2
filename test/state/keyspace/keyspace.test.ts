import { describe, expect, it } from "vitest";
import { slotCount } from "../../../src/constants.ts";
import type { Expiry } from "../../../src/state/expiry.ts";
import { createDatabases, type Database } from "../../../src/state/keyspace/database.ts";
import { slotOf } from "../../../src/state/keyspace/key-hash.ts";
import { Keyspace } from "../../../src/state/keyspace/keyspace.ts";
import { Dice, someKey } from "../../support/state-random.ts";

function open(hashSeed = 0): { keyspace: Keyspace; db: Database } {
  const keyspace = new Keyspace(16, hashSeed);
  const [db] = createDatabases(keyspace);
  return { keyspace, db: db as Database };
}

type Model = Map<string, { value: string; at: Expiry | undefined }>;

/** One random operation on both, which must agree about what was there. */
function changeBoth(db: Database, model: Model, dice: Dice, step: number): void {
  const key = someKey(dice);
  const known = model.get(key);
  expect([db.has(key), db.string(key), db.expireAt(key)]).toEqual([
    known !== undefined,
    known?.value,
    known?.at,
  ]);
  switch (dice.below(6)) {
    case 0:
      db.update(key, `u${step}`);
      model.set(key, { value: `u${step}`, at: known?.at });
      return;
    case 1:
      expect(db.delete(key)).toBe(model.delete(key));
      return;
    case 2:
      if (known === undefined) return;
      known.at = dice.below(10) === 0 ? 2n ** 60n : 1_000_000 + dice.below(100);
      db.setExpireAt(key, known.at);
      return;
    case 3:
      expect(db.persist(key)).toBe(known?.at !== undefined);
      if (known !== undefined) known.at = undefined;
      return;
    default:
      db.replace(key, `r${step}`);
      model.set(key, { value: `r${step}`, at: undefined });
  }
}

describe("partitions", () => {
  it("are those of the Redis Cluster specification", () => {
    // Asked from redis-server 7.0.15 with CLUSTER KEYSLOT.
    expect(slotOf("123456789")).toBe(12739);
    expect(slotOf("foo")).toBe(12182);
    expect(slotOf("")).toBe(0);
    expect(slotOf("{user1000}.following")).toBe(slotOf("user1000"));
    expect(slotOf("foo{}{bar}")).toBe(8363);
    expect(slotOf("foo{{bar}}zap")).toBe(slotOf("{bar"));
    expect(slotOf("foo{bar}{zap}")).toBe(slotOf("bar"));
    expect(slotOf("foo{bar")).toBe(15278);
    expect(slotOf("\xff\x00\x80")).toBe(7915);
  });
});

describe("a database", () => {
  it("agrees with a plain map over random operations, whatever the hash seed", () => {
    for (const hashSeed of [0, 1, 0xdead_beef]) {
      const { keyspace, db } = open(hashSeed);
      const model: Model = new Map();
      const dice = new Dice(hashSeed + 5);
      for (let step = 0; step < 3_000; step++) changeBoth(db, model, dice, step);
      keyspace.check();
      expect(db.size).toBe(model.size);
      expect([...db.keys()].sort()).toEqual([...model.keys()].sort());
      expect(db.expires).toBe([...model.values()].filter(({ at }) => at !== undefined).length);
    }
  });

  it("keeps a partition of many keys in order while it grows and shrinks", () => {
    const { keyspace, db } = open();
    for (let nth = 0; nth < 5_000; nth++) db.replace(`{one}${nth}`, String(nth));
    for (let nth = 0; nth < 5_000; nth += 2) expect(db.delete(`{one}${nth}`)).toBe(true);
    keyspace.check();
    for (let nth = 1; nth < 5_000; nth += 2) expect(db.string(`{one}${nth}`)).toBe(String(nth));
    for (let nth = 1; nth < 5_000; nth += 2) expect(db.delete(`{one}${nth}`)).toBe(true);
    keyspace.check();
    expect(db.size).toBe(0);
  });

  it("treats binary and object-like keys as any other", () => {
    const { db } = open();
    for (const key of ["", "__proto__", "constructor", "\0", "\xff\xfe", "\r\n", "{", "{}", "}{"]) {
      expect(db.string(key)).toBe(undefined);
      db.replace(key, key);
      expect(db.string(key)).toBe(key);
    }
    expect(db.size).toBe(9);
  });

  it("forgets everything on clear and nothing of the others", () => {
    const { keyspace, db } = open();
    db.replace("a", "1");
    db.setExpireAt("a", 5);
    db.select(1).replace("a", "2");
    db.clear();
    expect([db.size, db.expires, db.string("a")]).toEqual([0, 0, undefined]);
    expect(db.select(1).string("a")).toBe("2");
    keyspace.advance(10);
    keyspace.removeDue(10);
    expect(keyspace.counters.expiredKeys).toBe(0);
    keyspace.check();
  });

  it("changes places with another on swap, expiries included", () => {
    const { keyspace, db } = open();
    db.replace("a", "1");
    db.setExpireAt("a", 5);
    db.select(3).replace("b", "2");
    db.swap(0, 3);
    expect([db.string("a"), db.string("b")]).toEqual([undefined, "2"]);
    expect(db.select(3).expireAt("a")).toBe(5);
    keyspace.advance(5);
    keyspace.removeDue(10);
    expect(db.select(3).size).toBe(0);
    db.swap(2, 2);
    expect(db.string("b")).toBe("2");
  });

  it("counts hits and misses of reads alone", () => {
    const { keyspace, db } = open();
    db.replace("a", "1");
    db.has("b");
    expect(keyspace.counters).toMatchObject({ hits: 0, misses: 0 });
    keyspace.beginRead(0);
    db.string("a");
    db.string("b");
    db.has("a");
    expect(keyspace.counters).toMatchObject({ hits: 2, misses: 1 });
  });
});

describe("a walk with a cursor", () => {
  function walk(db: Database, count: number, between: () => void = () => {}): string[] {
    const seen: string[] = [];
    let cursor = 0;
    do {
      cursor = db.scan(cursor, count, (key) => seen.push(key));
      expect(Number.isSafeInteger(cursor) && cursor >= 0).toBe(true);
      between();
    } while (cursor !== 0);
    return seen;
  }

  it("meets every key once when nothing changes, with any count", () => {
    const { db } = open();
    for (let nth = 0; nth < 2_000; nth++) db.replace(nth % 2 ? `k${nth}` : `{t}${nth}`, "v");
    for (const count of [1, 7, 10, 1_000, 100_000]) {
      const seen = walk(db, count);
      expect(seen.length).toBe(2_000);
      expect(new Set(seen).size).toBe(2_000);
    }
  });

  it("visits about as many keys as asked", () => {
    const { db } = open();
    for (let nth = 0; nth < 500; nth++) db.replace(`{t}${nth}`, "v");
    let visits = 0;
    const cursor = db.scan(0, 10, () => visits++);
    expect(visits).toBe(10);
    expect(cursor).toBeGreaterThan(0);
    expect(db.scan(0, 0, () => visits++)).toBeGreaterThan(0);
    expect(visits).toBe(11);
  });

  it("never misses a key that stays while others come and go", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const { db } = open();
      const dice = new Dice(seed);
      const staying = new Set<string>();
      for (let nth = 0; nth < 150; nth++) {
        staying.add(`{tag${dice.below(2)}}stay${nth}`);
        db.replace(someKey(dice), "v");
        db.replace([...staying].at(-1) as string, "v");
      }
      const seen = walk(db, 1 + dice.below(12), () => {
        for (let change = dice.below(12); change > 0; change--) {
          const key = someKey(dice);
          if (dice.below(3) === 0) db.replace(key, "v");
          else db.delete(key);
        }
      });
      const met = new Set(seen);
      expect([...staying].filter((key) => !met.has(key))).toEqual([]);
    }
  });

  it("survives any cursor and a flush in between", () => {
    const { db } = open();
    for (let nth = 0; nth < 300; nth++) db.replace(`{t}${nth}`, "v");
    const cursor = db.scan(0, 10, () => {});
    const garbage = [
      cursor + 1e6,
      2 ** 53 - 1,
      2 ** 46,
      2 ** 46 - 1,
      slotCount * 2 ** 32,
      -1,
      0.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      2 ** 64,
      1,
    ];
    for (const each of garbage) {
      const next = db.scan(each, 10, (key) => expect(db.has(key)).toBe(true));
      expect(Number.isSafeInteger(next) && next >= 0).toBe(true);
    }
    db.clear();
    expect(db.scan(cursor, 10, () => expect.unreachable())).toBe(0);
  });
});

describe("a random key", () => {
  it("is every key about equally often, wherever the keys are", () => {
    const { db } = open();
    const dice = new Dice(11);
    for (let nth = 0; nth < 90; nth++) db.replace(`{same}${nth}`, "v");
    for (let nth = 0; nth < 10; nth++) db.replace(`lone${nth}`, "v");
    const counts = new Map<string, number>();
    for (let pick = 0; pick < 50_000; pick++) {
      const key = db.randomKey(dice.next) as string;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(100);
    for (const count of counts.values()) {
      expect(count).toBeGreaterThan(390); // 500 expected, standard deviation 22.
      expect(count).toBeLessThan(610);
    }
  });

  it("is a living one, and undefined when none lives", () => {
    const { keyspace, db } = open();
    const dice = new Dice(12);
    for (let nth = 0; nth < 3_000; nth++) {
      db.replace(`k${nth}`, "v");
      if (nth !== 77 && nth !== 78) db.setExpireAt(`k${nth}`, 100);
    }
    keyspace.advance(100);
    const seen = new Set<string | undefined>();
    for (let pick = 0; pick < 40; pick++) seen.add(db.randomKey(dice.next));
    expect(seen).toEqual(new Set(["k77", "k78"]));
    db.delete("k77");
    db.delete("k78");
    expect(db.randomKey(dice.next)).toBe(undefined);
    expect(open().db.randomKey(dice.next)).toBe(undefined);
  });
});
