// The dense table against a plain model: any operations in any order, with sizes around every bound.

import { describe, expect, test } from "vitest";
import type { Expiry } from "../../../src/state/expiry.ts";
import { KeyHasher } from "../../../src/state/keyspace/key-hash.ts";
import type { DueHeap } from "../../../src/state/memory/due-heap.ts";
import { Memory } from "../../../src/state/memory/memory.ts";
import { recordKeyBytesMax, recordValueBytesMax } from "../../../src/state/memory/records.ts";
import type { DenseTable } from "../../../src/state/memory/table.ts";
import { SeededRandom } from "../../../src/state/random.ts";

interface Row {
  key: string;
  value: string;
  type: number;
  at: Expiry | undefined;
}

/** Lengths of values: short ones mostly, and every bound of records and blocks. */
const bounds = [0, 1, 47, 48, 49, 500, recordValueBytesMax - 1, recordValueBytesMax];
const long = [recordValueBytesMax + 1, 65_535, 65_536, 65_537, 131_072, 200_000];

/** A table and its model, which go through the same changes. */
class Pair {
  readonly memory: Memory;
  readonly table: DenseTable;
  readonly rows: Row[] = [];
  readonly #random: SeededRandom;

  constructor(memory: Memory, due: DueHeap, rank: number, random: SeededRandom) {
    this.memory = memory;
    this.table = memory.createTable(rank, due);
    this.#random = random;
  }

  step(): void {
    const roll = this.#below(100);
    if (this.rows.length === 0 || roll < 30) this.#add();
    else if (roll < 50) this.#setValue();
    else if (roll < 65) this.#write();
    else if (roll < 80) this.#expire();
    else this.#remove();
  }

  compare(): void {
    const { records } = this.memory;
    this.table.check();
    const found = this.rows.map((_, position) => {
      const address = this.table.addressAt(position);
      return {
        key: records.key(address),
        value: records.value(address),
        type: records.type(address),
        at: records.expiry(address),
      };
    });
    expect(found).toEqual(this.rows);
    expect(this.table.size).toBe(this.rows.length);
  }

  #add(): void {
    const isLong = this.#below(50) === 0;
    const key = this.#bytes(isLong ? recordKeyBytesMax - 1 + this.#below(3) : 1 + this.#below(60));
    const hash = this.memory.hasher.hashOf(key);
    if (this.table.find(key, hash) !== 0) return;
    const row = { key, value: this.#value(), type: this.#below(16), at: undefined };
    this.table.add(key, hash, row.type, row.value);
    this.rows.push(row);
  }

  #setValue(): void {
    const [row, address] = this.#any();
    row.value = this.#value();
    row.type = this.#below(16);
    const to = this.table.setValue(address, row.type, row.value);
    expect(this.memory.records.value(to) === row.value).toBe(true);
  }

  #write(): void {
    const [row, address] = this.#any();
    const { length } = row.value;
    const at = this.#below(4) === 0 ? length + this.#below(70_000) : this.#below(length + 1);
    const bytes = this.#bytes(1 + this.#below(this.#below(10) === 0 ? 70_000 : 40));
    row.value =
      row.value.slice(0, at).padEnd(at, "\0") + bytes + row.value.slice(at + bytes.length);
    this.table.writeValue(address, at, bytes);
  }

  #expire(): void {
    const [row, address] = this.#any();
    const roll = this.#below(10);
    if (roll < 3) row.at = undefined;
    else row.at = roll === 3 ? 2n ** 60n : 1_000 + this.#below(50);
    this.table.setExpiry(address, row.at);
  }

  #remove(): void {
    this.remove(this.#any()[0]);
  }

  remove(row: Row): void {
    this.table.remove(this.table.seek(this.rows.indexOf(row)));
    const last = this.rows.pop() as Row;
    if (last !== row) this.rows[this.rows.indexOf(row)] = last;
  }

  #any(): [Row, number] {
    const row = this.rows[this.#below(this.rows.length)] as Row;
    const address = this.table.find(row.key, this.memory.hasher.hashOf(row.key));
    expect(address).not.toBe(0);
    return [row, address];
  }

  #value(): string {
    const roll = this.#below(40);
    if (roll === 0) return this.#bytes(long[this.#below(long.length)] as number);
    if (roll < 6) return this.#bytes(bounds[this.#below(bounds.length)] as number);
    return this.#bytes(this.#below(100));
  }

  #bytes(length: number): string {
    const start = this.#below(2 ** 31).toString(36);
    return start.repeat(Math.ceil(length / start.length) + 1).slice(0, length);
  }

  #below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }
}

/** What falls due first: by time, then by rank, then by position. */
function firstOf(pairs: readonly Pair[]): { pair: Pair; row: Row } | undefined {
  const dueMs = ({ at }: Row): number => (typeof at === "number" ? at : Number.POSITIVE_INFINITY);
  const all = pairs.flatMap((pair) =>
    pair.rows.flatMap((row, position) => (row.at === undefined ? [] : [{ pair, row, position }])),
  );
  const before = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
  return all.toSorted(
    (a, b) =>
      before(dueMs(a.row), dueMs(b.row)) ||
      a.pair.table.rank - b.pair.table.rank ||
      a.position - b.position,
  )[0];
}

/** Removes all that ever falls due, and compares the order with that of the model. */
function drain(memory: Memory, due: DueHeap, pairs: readonly Pair[]): void {
  while (due.size > 0) {
    const address = due.firstAddress;
    const expected = firstOf(pairs);
    expect(memory.tableOf(address)).toBe(expected?.pair.table);
    expect(memory.records.key(address)).toBe(expected?.row.key);
    expected?.pair.remove(expected.row);
  }
  expect(firstOf(pairs)).toBeUndefined();
  for (const pair of pairs) pair.compare();
}

describe("a dense table", () => {
  test.each([1, 2, 3, 4])("holds what a plain model holds, step by step (seed %i)", (seed) => {
    const random = new SeededRandom();
    random.seed(seed, 1);
    const memory = new Memory(new KeyHasher(seed));
    const due = memory.createDueHeap();
    const pairs = [1, 2, 3].map((rank) => new Pair(memory, due, rank, random));
    for (let step = 0; step < 3_000; step++) {
      (pairs[step % 3] as Pair).step();
      if (step % 100 === 0) for (const pair of pairs) pair.compare();
    }
    for (const pair of pairs) pair.compare();
    // What falls due comes in one order, whatever came before.
    drain(memory, due, pairs);
  });

  test("grows to many keys by pieces, and gives all of its memory back", () => {
    const memory = new Memory(new KeyHasher(7));
    const table = memory.createTable(1, memory.createDueHeap());
    const before = memory.arena.pageBytes;
    const count = 100_000;
    const key = (at: number): string => `key:${at}`;
    for (let at = 0; at < count; at++) {
      table.add(key(at), memory.hasher.hashOf(key(at)), 0, `value ${at}`);
    }
    for (let at = 0; at < count; at += 997) {
      const address = table.find(key(at), memory.hasher.hashOf(key(at)));
      expect(memory.records.value(address)).toBe(`value ${at}`);
    }
    table.check();
    for (let at = count - 1; at >= 0; at--) {
      table.remove(
        table.find(key((at * 7919) % count), memory.hasher.hashOf(key((at * 7919) % count))),
      );
    }
    expect(table.used).toBe(0);
    expect(memory.arena.pageBytes).toBe(before);
  });

  test("a dropped table is given back by and by, beside tables that go on", () => {
    const random = new SeededRandom();
    random.seed(9, 9);
    const memory = new Memory(new KeyHasher(3));
    const [dueOfGone, due] = [memory.createDueHeap(), memory.createDueHeap()];
    const gone = new Pair(memory, dueOfGone, 1, random);
    const stays = new Pair(memory, due, 2, random);
    for (let step = 0; step < 1_000; step++) {
      gone.step();
      stays.step();
    }
    memory.drop(gone.table);
    while (memory.reclaim(10)) {
      stays.step();
      stays.step();
    }
    stays.compare();
    drain(memory, due, [stays]);
  });
});
