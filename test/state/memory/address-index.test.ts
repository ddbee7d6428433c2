// What finding and adding cost, in records that are read, whatever the keys look like.

import { describe, expect, test } from "vitest";
import { KeyHasher } from "../../../src/state/keyspace/key-hash.ts";
import { AddressIndex } from "../../../src/state/memory/address-index.ts";
import { seeded } from "../../support/log-random.ts";

const keys = 1_500;

/** An index beside a plain map: keys are numbers, and each gets an address that no other has had. */
class Both {
  readonly index = new AddressIndex(this);
  readonly addressOf = new Map<number, number>();
  readonly #keyAt = new Map<number, number>();
  readonly #hashOf: (key: number) => number;
  #sought = 0;
  #next = 1;

  constructor(hashOf: (key: number) => number) {
    this.#hashOf = hashOf;
  }

  hashAt(address: number): number {
    return this.#hashOf(this.#keyAt.get(address) as number);
  }
  isAt(address: number): boolean {
    return this.#keyAt.get(address) === this.#sought;
  }

  find(key: number): number {
    this.#sought = key;
    const address = this.index.find(this.#hashOf(key), this);
    expect(address).toBe(this.addressOf.get(key) ?? 0);
    return address;
  }

  add(key: number): void {
    this.index.add(this.#hashOf(key), this.#place(key));
  }

  remove(key: number, address: number): void {
    this.index.removeFound();
    this.addressOf.delete(key);
    this.#keyAt.delete(address);
  }

  move(key: number, from: number, wasFound: boolean): void {
    const to = this.#place(key);
    if (wasFound) this.index.movedFound(to);
    else this.index.move(this.#hashOf(key), from, to);
    this.#keyAt.delete(from);
  }

  #place(key: number): number {
    this.addressOf.set(key, this.#next);
    this.#keyAt.set(this.#next, key);
    return this.#next++;
  }
}

describe("an index of addresses", () => {
  const hasher = new KeyHasher(7);
  let reads = 0;
  let wanted = 0;
  const counted = {
    hashAt: (address: number) => hashOf(address),
    isAt: (address: number) => isIt(address),
  };
  function hashOf(address: number): number {
    reads++;
    return hasher.hashOf(String(address));
  }
  function isIt(address: number): boolean {
    reads++;
    return address === wanted;
  }

  test("integer-like keys in a row cost no more to find than others, and growing never reads many at once", () => {
    const count = 30_000;
    const index = new AddressIndex(counted);
    reads = 0;
    let most = 0;
    for (let address = 1; address <= count; address++) {
      const before = reads;
      const hash = hasher.hashOf(String(address));
      wanted = address;
      if (index.find(hash, counted) !== 0)
        expect.unreachable(`${address} is found before it is there`);
      index.add(hash, address);
      most = Math.max(most, reads - before);
    }
    // Tags of 7 bits let a few records be read in vain; growing reads each key about three times in all.
    expect(reads / count).toBeLessThan(4);
    expect(most).toBeLessThan(4_000);
    reads = 0;
    for (let address = 1; address <= count; address++) {
      wanted = address;
      if (index.find(hasher.hashOf(String(address)), counted) !== address) {
        expect.unreachable(`${address} is not found`);
      }
    }
    expect(reads / count).toBeLessThan(1.1);
  });

  test("what was removed leaves room for others, however often", () => {
    const index = new AddressIndex(counted);
    for (let round = 0; round < 200; round++) {
      for (let each = 1; each <= 100; each++) {
        wanted = round * 100 + each;
        index.add(hasher.hashOf(String(wanted)), wanted);
      }
      for (let each = 1; each <= 100; each++) {
        wanted = round * 100 + each;
        expect(index.find(hasher.hashOf(String(wanted)), counted)).toBe(wanted);
        index.removeFound();
      }
    }
    expect(index.size).toBe(0);
    expect(index.bytes).toBeLessThan(17 * 64);
  });

  /** Which bits of a hash the index looks at is its own business: each of these makes many keys alike. */
  test.for([
    ["four hashes for all", (key: number) => (key % 4) * 0x40000001],
    ["one bucket", (key: number) => Math.imul(key, 0x9e3779b1) & ~0xff],
    ["one tag", (key: number) => Math.imul(key, 0x9e3779b1) & ~0x7f000],
    ["one segment", (key: number) => Math.imul(key, 0x9e3779b1) >>> 16],
    ["hashes as they are", (key: number) => hasher.hashOf(String(key))],
  ] as const)("holds what a plain map holds, with %s", ([, hashOfKey]) => {
    const random = seeded(11);
    const both = new Both(hashOfKey);
    for (let step = 0; step < 20_000; step++) {
      const key = random.integer(keys);
      const address = both.find(key);
      const change = random.integer(4);
      if (address === 0) both.add(key);
      else if (change === 0) both.remove(key, address);
      else if (change < 3) both.move(key, address, change === 1);
    }
    for (let key = 0; key < keys; key++) both.find(key);
    expect(both.index.size).toBe(both.addressOf.size);
    both.index.check();
  });

  test("a look-up ends, though addresses have gone past every bucket", () => {
    // Of two buckets, by the lowest bit of a key.
    const both = new Both((key) => key & 1);
    const [even, odd] = [0, 1].map((bit) => Array.from({ length: 40 }, (_, nth) => 2 * nth + bit));
    for (const key of odd?.slice(0, 13) ?? []) both.add(key);
    for (const key of odd?.slice(0, 8) ?? []) both.remove(key, both.find(key));
    for (const key of even?.slice(0, 12) ?? []) both.add(key);
    for (const key of [98, 99]) expect(both.find(key)).toBe(0);
    both.index.check();
  });
});
