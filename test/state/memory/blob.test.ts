// Blobs against plain strings: written, extended and read around the bounds of their blocks.

import { describe, expect, test } from "vitest";
import { KeyHasher } from "../../../src/state/keyspace/key-hash.ts";
import { type Blob, blockBytes } from "../../../src/state/memory/blob.ts";
import { Memory } from "../../../src/state/memory/memory.ts";
import { SeededRandom } from "../../../src/state/random.ts";

/** Blobs beside each other, so that the tails of some move when others grow or go. */
class Pairs {
  readonly memory = new Memory(new KeyHasher(1));
  readonly pairs: { blob: Blob; text: string }[] = [];
  readonly #random = new SeededRandom();

  constructor(seed: number) {
    this.#random.seed(seed, 8);
  }

  step(): void {
    const roll = this.below(20);
    if (this.pairs.length === 0 || (roll === 0 && this.pairs.length < 12)) {
      this.pairs.push({ blob: this.memory.createBlob(), text: "" });
    } else if (roll === 1) this.#free();
    else if (roll < 12) this.#write();
    else if (roll < 15) this.#extend();
    else this.#read();
  }

  below(bound: number): number {
    return Math.floor(this.#random.next() * bound);
  }

  #write(): void {
    const pair = this.#any();
    const at = this.#place(pair.text.length);
    const bytes = this.#bytes(1 + this.#place(this.below(4) === 0 ? 2 * blockBytes : 100));
    pair.blob.write(at, bytes);
    pair.text =
      pair.text.slice(0, at).padEnd(at, "\0") + bytes + pair.text.slice(at + bytes.length);
  }
  #extend(): void {
    const pair = this.#any();
    const length = pair.text.length + 1 + this.#place(blockBytes);
    pair.blob.extend(length);
    pair.text = pair.text.padEnd(length, "\0");
  }
  #read(): void {
    const { blob, text } = this.#any();
    const from = this.#place(text.length);
    const to = Math.min(text.length, from + this.#place(text.length));
    expect(blob.read(from, to) === text.slice(from, to)).toBe(true);
  }
  #free(): void {
    const [pair] = this.pairs.splice(this.below(this.pairs.length), 1);
    if (pair !== undefined) this.memory.freeBlob(pair.blob);
  }

  #any(): { blob: Blob; text: string } {
    return this.pairs[this.below(this.pairs.length)] as { blob: Blob; text: string };
  }
  /** Near a bound of a block mostly, and not much beyond the end. */
  #place(length: number): number {
    if (this.below(3) === 0) return this.below(length + 1);
    const bound = blockBytes * this.below(Math.floor(length / blockBytes) + 2);
    return Math.min(Math.max(0, bound - 3 + this.below(7)), length + 5);
  }
  #bytes(length: number): string {
    const start = `\xff\0${this.below(2 ** 31).toString(36)}`;
    return start.repeat(Math.ceil(length / start.length)).slice(0, length);
  }
}

describe("a blob", () => {
  test.each([1, 2, 3, 4])("holds what a plain string holds (seed %i)", (seed) => {
    const pairs = new Pairs(seed);
    const { memory } = pairs;
    const before = memory.arena.pageBytes;
    for (let step = 0; step < 2_000; step++) {
      pairs.step();
      if (step % 100 !== 0) continue;
      for (const { blob, text } of pairs.pairs) {
        expect(blob.length).toBe(text.length);
        expect(blob.read(0, blob.length) === text).toBe(true);
        expect(blob.equals(text)).toBe(true);
        expect(blob.equals(`${text}x`)).toBe(false);
      }
    }
    for (const { blob } of pairs.pairs) memory.freeBlob(blob);
    expect(memory.arena.pageBytes).toBe(before);
    expect(memory.arena.slotBytes).toBe(0);
  });

  test("differs from a string in which one byte of any block is another one", () => {
    const { memory } = new Pairs(1);
    const blob = memory.createBlob();
    const text = "abcdefg".repeat(Math.ceil((2.5 * blockBytes) / 7));
    blob.write(0, text);
    for (const at of [0, blockBytes - 1, blockBytes, 2 * blockBytes + 5, text.length - 1]) {
      expect(blob.equals(`${text.slice(0, at)}X${text.slice(at + 1)}`)).toBe(false);
    }
  });

  test("of zeros takes no memory until something is written into it", () => {
    const { memory } = new Pairs(1);
    const { arena } = memory;
    const empty = arena.slotBytes;
    const blob = memory.createBlob();
    blob.extend(1000 * blockBytes);
    expect(arena.slotBytes).toBe(empty);
    expect(blob.read(500 * blockBytes - 2, 500 * blockBytes + 2)).toBe("\0\0\0\0");
    blob.write(700 * blockBytes + 9, "x");
    expect(arena.slotBytes).toBe(empty + blockBytes);
    expect(blob.read(700 * blockBytes + 8, 700 * blockBytes + 11)).toBe("\0x\0");
    memory.freeBlob(blob);
    expect(arena.slotBytes).toBe(empty);
  });

  test("is copied in steps, and the copy stands by itself", () => {
    const { memory } = new Pairs(1);
    const blob = memory.createBlob();
    const text = "copy me ".repeat(40_000);
    blob.write(0, text);
    const copied = memory.createBlob();
    const step = 2 * blockBytes;
    for (let from = 0; from < blob.length; from += step) blob.copyTo(copied, from, step);
    blob.write(0, "changed");
    expect(copied.equals(text)).toBe(true);
    memory.freeBlob(blob);
    expect(copied.equals(text)).toBe(true);
  });

  test("is copied into a buffer from any place", () => {
    const { memory } = new Pairs(1);
    const blob = memory.createBlob();
    const text = "0123456789".repeat(20_000);
    blob.write(0, text);
    const into = Buffer.alloc(100_010, "-");
    blob.copy(into, 5, blockBytes - 7, blockBytes - 7 + 100_000);
    const expected = `-----${text.slice(blockBytes - 7, blockBytes - 7 + 100_000)}-----`;
    expect(into.toString("latin1") === expected).toBe(true);
  });

  test("tells its watcher of each block before it changes, and no other", () => {
    const { memory } = new Pairs(1);
    const blob = memory.createBlob();
    blob.write(0, "a".repeat(3 * blockBytes));
    const told: [number, string][] = [];
    blob.watcher = {
      changes: (block) => told.push([block, blob.read(block * blockBytes, block * blockBytes + 1)]),
      freed: () => undefined,
    };
    blob.write(blockBytes, "b".repeat(blockBytes + 1));
    expect(told).toEqual([
      [1, "a"],
      [2, "a"],
    ]);
    told.length = 0;
    // The gap before it is new as well.
    blob.watcher.changes = (block) => told.push([block, ""]);
    blob.write(5 * blockBytes, "c");
    expect(told.map(([block]) => block)).toEqual([3, 4, 5]);
  });

  test("that somebody holds stays until it is let go", () => {
    const { memory } = new Pairs(1);
    const blob = memory.createBlob();
    blob.write(0, "held");
    blob.isHeld = true;
    memory.freeBlob(blob);
    expect(blob.read(0, 4)).toBe("held");
    memory.letGo(blob);
    expect(memory.arena.slotBytes).toBe(0);
  });
});
