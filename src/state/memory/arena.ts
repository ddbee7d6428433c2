// Memory outside of V8's heap: slots of many sizes, packed without gaps, and whole pages.
//
// Memory comes in chunks of 1 MiB. A chunk is one page of large slots, or 16 pages of 64 KiB, each of which holds
// slots of one size or a block of a blob (blob.ts). An address counts units of 8 bytes over all chunks.

import { assert } from "../../assert.ts";
import { sizeClassCount, sizeClassOf, unitShift, unitsOfClass } from "./sizes.ts";

const chunkBytes = 1024 * 1024;
export const chunkUnitsShift: number = 20 - unitShift;
export const chunkUnitsMask: number = 2 ** chunkUnitsShift - 1;
const chunkUnits = 2 ** chunkUnitsShift;

export const pageBytes: number = 64 * 1024;
const pageUnits = pageBytes >>> unitShift;
const pagesPerChunk = chunkBytes / pageBytes;
const allPages = 2 ** pagesPerChunk - 1;
const addressMax = 2 ** 32;

/** Slots up to this size lie in pages of 64 KiB, larger ones in whole chunks: 16 slots and more fill a page. */
const smallSlotUnits = pageUnits / 16;

/** Told when a slot was moved; its content has not changed. */
export interface SlotOwner {
  moved(from: number, to: number): void;
}

/** All slots of one size. */
class Slab {
  readonly units: number;
  readonly isSmall: boolean;
  /** Units of a page that slots fill. */
  readonly filled: number;
  /** Pages that hold slots; only the last one has free ones, from `top` on. */
  readonly pages: number[] = [];
  top = 0;
  /** Where the last page's slots end. */
  end = 0;

  constructor(units: number) {
    this.units = units;
    this.isSmall = units <= smallSlotUnits;
    const whole = this.isSmall ? pageUnits : chunkUnits;
    this.filled = whole - (whole % units);
  }
}

const nothing = Buffer.alloc(0);
const noWords = new Uint32Array(0);
const noDoubles = new Float64Array(0);

/**
 * Invariant: the slots of one size fill their pages without a gap. The last slot moves into the place of one that is
 * freed, so there is no garbage, nothing is ever compacted, and memory follows what it holds.
 */
export class Arena {
  /** Three views of each chunk. What a slot holds is its owner's business. */
  readonly bytes: Buffer[] = [];
  readonly words: Uint32Array[] = [];
  readonly doubles: Float64Array[] = [];
  /** Bytes of all chunks, of pages in use, and of the slots and blocks in them. */
  chunkBytes = 0;
  pageBytes = 0;
  slotBytes = 0;

  readonly #owner: SlotOwner;
  readonly #slabs: Slab[] = [];
  /** One bit for each free page of a chunk. */
  readonly #free: number[] = [];
  /** No chunk before this one has a free page. */
  #firstFree = 0;
  #spareChunks = 0;
  #blocks = 0;
  /** Numbers of chunks that were given back. */
  readonly #holes: number[] = [];

  constructor(owner: SlotOwner) {
    this.#owner = owner;
    for (let each = 0; each < sizeClassCount; each++)
      this.#slabs.push(new Slab(unitsOfClass(each)));
    // Address 0 is nobody's: its page is never given out.
    this.#addChunk();
    this.#takePages(0, 1);
  }

  /** Room for so many units. The content is undefined. */
  alloc(units: number): number {
    const slab = this.#slabs[sizeClassOf(units)] as Slab;
    if (slab.top === slab.end) this.#addPage(slab);
    const address = slab.top;
    slab.top += slab.units;
    this.slotBytes += slab.units << unitShift;
    return address;
  }

  /** The slot of `alloc(units)`. Another one may move into its place: see SlotOwner. */
  free(address: number, units: number): void {
    const slab = this.#slabs[sizeClassOf(units)] as Slab;
    const last = slab.top - slab.units;
    if (last !== address) {
      const from = (last & chunkUnitsMask) << unitShift;
      const to = (address & chunkUnitsMask) << unitShift;
      const bytes = this.bytes[last >>> chunkUnitsShift] as Buffer;
      const target = this.bytes[address >>> chunkUnitsShift] as Buffer;
      bytes.copy(target, to, from, from + (slab.units << unitShift));
      this.#owner.moved(last, address);
    }
    slab.top = last;
    this.slotBytes -= slab.units << unitShift;
    if (last === slab.pages.at(-1)) this.#dropPage(slab);
  }

  /** A block of 64 KiB that never moves. The content is undefined. */
  allocBlock(): number {
    this.slotBytes += pageBytes;
    this.#blocks++;
    return this.#allocPage();
  }

  freeBlock(address: number): void {
    this.slotBytes -= pageBytes;
    this.#blocks--;
    this.#freePage(address);
  }

  #allocPage(): number {
    let chunk = this.#firstFree;
    while (chunk < this.#free.length && this.#free[chunk] === 0) chunk++;
    this.#firstFree = chunk;
    if (chunk === this.#free.length) chunk = this.#addChunk();
    const free = this.#free[chunk] as number;
    const bit = free & -free;
    this.#takePages(chunk, bit);
    return chunk * chunkUnits + (31 - Math.clz32(bit)) * pageUnits;
  }

  #freePage(address: number): void {
    this.#givePages(address >>> chunkUnitsShift, 1 << ((address & chunkUnitsMask) / pageUnits));
  }

  /**
   * Bytes of chunks that hold nothing and wait for what comes next. They are kept: given back one by one, malloc cuts them up
   * for other buffers, and a node that is emptied and filled again grows by all of them.
   */
  get spareBytes(): number {
    return this.#spareChunks * chunkBytes;
  }

  /** Gives back the chunks that hold nothing, which were kept for what comes next. */
  dropSpareChunks(): void {
    this.#free.forEach((free, chunk) => {
      if (free === allPages) this.#dropChunk(chunk);
    });
  }

  /** The sizes of slots that are in use: how many, in how many pages of 64 KiB or chunks. Blocks are the last row. */
  sizesInUse(): readonly { bytes: number; slots: number; pages: number }[] {
    const blocks = { bytes: pageBytes, slots: this.#blocks, pages: this.#blocks };
    const sizes = this.#slabs
      .filter(({ pages }) => pages.length > 0)
      .map(({ units, filled, pages, top }) => {
        const inLast = top - (pages.at(-1) as number);
        const slots = ((pages.length - 1) * filled + inLast) / units;
        return { bytes: units << unitShift, slots, pages: pages.length };
      });
    return this.#blocks === 0 ? sizes : [...sizes, blocks];
  }

  #addPage(slab: Slab): void {
    slab.top = slab.isSmall ? this.#allocPage() : this.#allocChunk();
    slab.end = slab.top + slab.filled;
    slab.pages.push(slab.top);
  }

  #dropPage(slab: Slab): void {
    const page = slab.pages.pop() as number;
    if (slab.isSmall) this.#freePage(page);
    else this.#givePages(page >>> chunkUnitsShift, allPages);
    const last = slab.pages.at(-1);
    slab.end = last === undefined ? 0 : last + slab.filled;
    slab.top = slab.end;
  }

  #allocChunk(): number {
    let chunk = this.#spareChunks === 0 ? -1 : this.#free.indexOf(allPages);
    if (chunk === -1) chunk = this.#addChunk();
    this.#takePages(chunk, allPages);
    return chunk * chunkUnits;
  }

  #takePages(chunk: number, pages: number): void {
    if (this.#free[chunk] === allPages) this.#spareChunks--;
    this.#free[chunk] = (this.#free[chunk] as number) & ~pages;
    this.pageBytes += countBits(pages) * pageBytes;
  }

  #givePages(chunk: number, pages: number): void {
    const free = (this.#free[chunk] as number) | pages;
    this.#free[chunk] = free;
    this.pageBytes -= countBits(pages) * pageBytes;
    if (free === allPages) this.#spareChunks++;
    if (chunk < this.#firstFree) this.#firstFree = chunk;
  }

  #addChunk(): number {
    const chunk = this.#holes.pop() ?? this.bytes.length;
    assert((chunk + 1) * chunkUnits <= addressMax, "the state of one node has at most 32 GiB");
    const bytes = Buffer.allocUnsafeSlow(chunkBytes);
    this.bytes[chunk] = bytes;
    this.words[chunk] = new Uint32Array(bytes.buffer);
    this.doubles[chunk] = new Float64Array(bytes.buffer);
    this.#free[chunk] = allPages;
    this.#spareChunks++;
    this.chunkBytes += chunkBytes;
    if (chunk < this.#firstFree) this.#firstFree = chunk;
    return chunk;
  }

  #dropChunk(chunk: number): void {
    this.bytes[chunk] = nothing;
    this.words[chunk] = noWords;
    this.doubles[chunk] = noDoubles;
    this.#free[chunk] = 0;
    this.#holes.push(chunk);
    this.#spareChunks--;
    this.chunkBytes -= chunkBytes;
  }
}

function countBits(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count++;
  return count;
}
