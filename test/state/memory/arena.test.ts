// The arena: slots keep what they hold while others come and go, and memory follows what is there.

import { describe, expect, test } from "vitest";
import { Arena, chunkUnitsMask, chunkUnitsShift } from "../../../src/state/memory/arena.ts";
import { slotUnits, slotUnitsMax, unitBytes } from "../../../src/state/memory/sizes.ts";
import { SeededRandom } from "../../../src/state/random.ts";

const KiB = 1024;
const chunkBytes = KiB * KiB;
const pageBytes = 64 * KiB;

interface Slot {
  address: number;
  readonly units: number;
  readonly tag: number;
}

/** An arena with all of its slots and blocks, each full of a tag of its own. */
class Filled {
  readonly slots: Slot[] = [];
  readonly blocks: Slot[] = [];
  readonly arena: Arena = new Arena({ moved: (from, to) => this.#moved(from, to) });
  readonly #byAddress = new Map<number, Slot>();
  #tags = 0;

  alloc(units: number): Slot {
    const slot = { address: this.arena.alloc(units), units, tag: ++this.#tags };
    this.#byAddress.set(slot.address, slot);
    this.slots.push(slot);
    this.#fill(slot);
    return slot;
  }
  free(at: number): void {
    const [slot] = this.slots.splice(at, 1) as [Slot];
    this.#byAddress.delete(slot.address);
    this.arena.free(slot.address, slot.units);
  }
  allocBlock(): void {
    const units = pageBytes / unitBytes;
    const block = { address: this.arena.allocBlock(), units, tag: ++this.#tags };
    this.blocks.push(block);
    this.#fill(block);
  }
  freeBlock(at: number): void {
    const [block] = this.blocks.splice(at, 1) as [Slot];
    this.arena.freeBlock(block.address);
  }
  clear(): void {
    while (this.slots.length > 0) this.free(this.slots.length >>> 1);
    while (this.blocks.length > 0) this.freeBlock(0);
  }

  check(): void {
    for (const slot of [...this.slots, ...this.blocks]) {
      if (this.#isWhole(slot)) continue;
      expect.fail(`slot ${slot.tag} does not hold what was put there`);
    }
    const held = this.slots.reduce((sum, { units }) => sum + slotUnits(units) * unitBytes, 0);
    expect(this.arena.slotBytes).toBe(held + this.blocks.length * pageBytes);
    expect(this.arena.pageBytes).toBeGreaterThan(this.arena.slotBytes);
    expect(this.arena.chunkBytes).toBeGreaterThanOrEqual(this.arena.pageBytes);
    const really = this.arena.bytes.reduce((sum, { length }) => sum + length, 0);
    expect(this.arena.chunkBytes).toBe(really);
    const rows = this.arena.sizesInUse();
    expect(rows.reduce((sum, row) => sum + row.bytes * row.slots, 0)).toBe(this.arena.slotBytes);
  }

  #fill(slot: Slot): void {
    this.#words(slot).fill(slot.tag);
  }
  #isWhole(slot: Slot): boolean {
    const words = this.#words(slot);
    for (const word of words) if (word !== slot.tag) return false;
    return words.length === slot.units * 2;
  }
  #words({ address, units }: Slot): Uint32Array {
    const words = this.arena.words[address >>> chunkUnitsShift] as Uint32Array;
    const from = (address & chunkUnitsMask) * 2;
    return words.subarray(from, from + units * 2);
  }
  #moved(from: number, to: number): void {
    const slot = this.#byAddress.get(from);
    if (slot === undefined) throw new Error(`nothing is at ${from}`);
    this.#byAddress.delete(from);
    slot.address = to;
    this.#byAddress.set(to, slot);
  }
}

const sizes = [1, 2, 5, 64, 65, 500, 512, 513, 2_000, 8_192, slotUnitsMax];

function allocAny(filled: Filled, below: (bound: number) => number): void {
  if (below(8) === 0) filled.allocBlock();
  else if (below(3) === 0) filled.alloc(1 + below(slotUnitsMax));
  else filled.alloc(sizes[below(sizes.length)] as number);
}

function freeAny(filled: Filled, below: (bound: number) => number): void {
  const { slots, blocks } = filled;
  if (below(8) === 0 && blocks.length > 0) filled.freeBlock(below(blocks.length));
  else if (slots.length > 0) filled.free(below(slots.length));
}

describe("an arena", () => {
  test.each([1, 2, 3])("keeps what it holds, whatever comes and goes (seed %i)", (seed) => {
    const random = new SeededRandom();
    random.seed(seed, 5);
    const below = (bound: number) => Math.floor(random.next() * bound);
    const filled = new Filled();
    // It grows and shrinks several times, so that chunks are given back and taken again.
    for (let step = 0; step < 4_000; step++) {
      const isGrowing = Math.floor(step / 500) % 2 === 0;
      if (below(100) < (isGrowing ? 30 : 75)) freeAny(filled, below);
      else allocAny(filled, below);
      if (step % 200 === 0) filled.check();
    }
    filled.check();
    filled.clear();
    expect(filled.arena.slotBytes).toBe(0);
    expect(filled.arena.pageBytes).toBe(pageBytes);
    expect(filled.arena.sizesInUse()).toEqual([]);
  });

  test("keeps chunks for what comes next until it is asked for them, and takes their numbers again", () => {
    const filled = new Filled();
    const count = 40 * 8;
    const fill = () => {
      for (let each = 0; each < count; each++) filled.alloc(slotUnitsMax);
    };
    fill();
    expect(filled.arena.chunkBytes).toBe(41 * chunkBytes);
    expect(filled.arena.spareBytes).toBe(0);
    const numbers = filled.arena.bytes.length;
    filled.clear();
    expect(filled.arena.chunkBytes).toBe(41 * chunkBytes);
    expect(filled.arena.spareBytes).toBe(40 * chunkBytes);
    filled.arena.dropSpareChunks();
    // The chunk with the page of address 0 is never given back.
    expect(filled.arena.chunkBytes).toBe(chunkBytes);
    expect(filled.arena.spareBytes).toBe(0);
    fill();
    expect(filled.arena.bytes).toHaveLength(numbers);
    expect(filled.arena.chunkBytes).toBe(41 * chunkBytes);
    filled.check();
  });

  test("gives back all that holds nothing when it is asked to, and goes on", () => {
    const filled = new Filled();
    for (let each = 0; each < 100; each++) filled.alloc(slotUnitsMax);
    const kept = filled.alloc(7);
    while (filled.slots.length > 1) filled.free(0);
    filled.arena.dropSpareChunks();
    expect(filled.slots).toEqual([kept]);
    expect(filled.arena.chunkBytes).toBe(chunkBytes);
    for (let each = 0; each < 20; each++) {
      filled.allocBlock();
      filled.alloc(slotUnitsMax);
      filled.alloc(3);
    }
    filled.check();
  });

  test("small slots and blocks take the chunks that large slots have left, and the other way round", () => {
    const filled = new Filled();
    const chunks = 8;
    for (let each = 0; each < chunks * 8; each++) filled.alloc(slotUnitsMax);
    filled.clear();
    const { chunkBytes: before } = filled.arena;
    const perPage = pageBytes / unitBytes / 64;
    for (let each = 0; each < chunks * 8 * perPage; each++) filled.alloc(64);
    for (let each = 0; each < chunks * 8; each++) filled.allocBlock();
    expect(filled.arena.chunkBytes).toBe(before);
    filled.check();
    filled.clear();
    for (let each = 0; each < chunks * 8; each++) filled.alloc(slotUnitsMax);
    expect(filled.arena.chunkBytes).toBe(before);
  });

  test("takes the gap that a block has left, however many chunks are behind it", () => {
    const filled = new Filled();
    for (let each = 0; each < 20 * 16; each++) filled.allocBlock();
    const { chunkBytes: before } = filled.arena;
    for (const at of [200, 33, 34]) {
      const { address } = filled.blocks[at] as Slot;
      filled.freeBlock(at);
      filled.allocBlock();
      expect(filled.blocks.at(-1)?.address).toBe(address);
    }
    expect(filled.arena.chunkBytes).toBe(before);
    filled.check();
  });

  test("never gives out address 0", () => {
    const filled = new Filled();
    for (let each = 0; each < 40; each++) filled.allocBlock();
    filled.alloc(1);
    expect([...filled.blocks, ...filled.slots].every(({ address }) => address > 0)).toBe(true);
  });
});
