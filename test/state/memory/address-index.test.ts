// What finding and adding cost, in records that are read, whatever the keys look like.

import { describe, expect, test } from "vitest";
import { KeyHasher } from "../../../src/state/keyspace/key-hash.ts";
import { AddressIndex } from "../../../src/state/memory/address-index.ts";

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
    // Marks of 7 bits let a few records be read in vain; growing reads each key about three times in all.
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
    expect(index.bytes).toBeLessThan(5 * 512);
  });
});
