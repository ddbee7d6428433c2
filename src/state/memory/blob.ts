// Byte strings of any length, in blocks outside of V8's heap: a change costs what changes.

import { assert } from "../../assert.ts";
import { cutBytes } from "../../resp/cut-bytes.ts";
import type { Bytes } from "../../resp/reply.ts";
import { type Arena, chunkUnitsMask, chunkUnitsShift, pageBytes } from "./arena.ts";
import { slotUnits, unitShift, unitsOf } from "./sizes.ts";

/** Bytes of a block. All but the tail of a blob lies in whole blocks. */
export const blockBytes: number = pageBytes;
/** In front of a tail, where a record has its position and its table: the blob's number, and 0, which no table has. */
const tailHeadBytes = 8;

/** Told of what happens to a blob, so that a checkpoint can be written beside it. */
export interface BlobWatcher {
  /** Before this block changes, or comes to be. */
  changes(block: number): void;
  /** No record names the blob any more. */
  freed(): void;
}

const zeros = Buffer.alloc(blockBytes);
const scratchBytes = 1024 * 1024;
const scratch = Buffer.allocUnsafeSlow(scratchBytes);

/**
 * A block that was never written holds zeros and takes no memory. The tail, what is behind the last whole block,
 * lies in a slot of its size, so that short blobs waste little.
 */
export class Blob {
  readonly number: number;
  length = 0;
  watcher: BlobWatcher | null = null;
  /** Of a key: its hash, so that nothing has to read a long key once more. */
  hash = 0;
  /** Somebody still reads it: what no record names any more stays until that is over (`Memory.letGo`). */
  isHeld = false;
  isFreed = false;
  readonly #arena: Arena;
  /** Addresses of pages; 0 for a block of zeros. */
  readonly #blocks: number[] = [];
  #tail = 0;

  constructor(number: number, arena: Arena) {
    this.number = number;
    this.#arena = arena;
  }

  /** [from, to) as a string of its own. */
  read(from: number, to: number): Bytes {
    const length = to - from;
    if (length <= 0) return "";
    const block = Math.floor(from / blockBytes);
    if (block === Math.floor((to - 1) / blockBytes)) {
      const at = this.#open(block, from % blockBytes);
      return cutBytes(this.#page, at, at + length);
    }
    const into = length <= scratchBytes ? scratch : Buffer.allocUnsafeSlow(length);
    this.copy(into, 0, from, to);
    return into.toString("latin1", 0, length);
  }

  /** Copies [from, to) to a place in a buffer. */
  copy(into: Buffer, at: number, from: number, to: number): void {
    let target = at;
    for (let next = from; next < to; ) {
      const offset = next % blockBytes;
      const end = Math.min(to, next - offset + blockBytes);
      const source = this.#open(Math.floor(next / blockBytes), offset);
      target += this.#page.copy(into, target, source, source + end - next);
      next = end;
    }
  }

  equals(bytes: Bytes): boolean {
    if (bytes.length !== this.length) return false;
    for (let from = 0; from < this.length; from += blockBytes) {
      const to = Math.min(from + blockBytes, this.length);
      if (this.read(from, to) !== bytes.slice(from, to)) return false;
    }
    return true;
  }

  /** Overwrites from a place on; what is beyond the end makes it longer, and a gap before it is zeros. */
  write(at: number, bytes: Bytes): void {
    const end = at + bytes.length;
    this.#tellWatcher(Math.min(at, this.length), end);
    if (end > this.length) this.#grow(end);
    for (let next = at; next < end; ) {
      const offset = next % blockBytes;
      const stop = Math.min(end, next - offset + blockBytes);
      const to = this.#openToWrite(Math.floor(next / blockBytes), offset);
      // A flat string for each piece: `latin1Write` of a long one would copy all of it first.
      this.#page.write(bytes.slice(next - at, stop - at), to, "latin1");
      next = stop;
    }
  }

  /** Makes it longer, with zeros. */
  extend(length: number): void {
    this.#tellWatcher(this.length, length);
    this.#grow(length);
  }

  /** The same bytes in a blob that is still empty, from a place on, at most so many: for copies in steps. */
  copyTo(other: Blob, from: number, max: number): void {
    const to = Math.min(this.length, from + max);
    for (let next = from; next < to; next += blockBytes) {
      other.write(next, this.read(next, Math.min(to, next + blockBytes)));
    }
  }

  /** Gives everything back. */
  release(): void {
    for (const block of this.#blocks) if (block !== 0) this.#arena.freeBlock(block);
    this.#blocks.length = 0;
    const tail = this.length % blockBytes;
    if (tail > 0) this.#arena.free(this.#tail, tailUnits(tail));
    this.#tail = 0;
    this.length = 0;
  }

  /** The tail's slot was moved. */
  moved(to: number): void {
    this.#tail = to;
  }

  // ---------------------------------------------------------------------------------------------

  #page: Buffer = zeros;

  /** A write from `from` on: up to the end of what is written, or of the zeros before it. */
  #tellWatcher(from: number, end: number): void {
    if (this.watcher === null) return;
    const last = Math.floor((end - 1) / blockBytes);
    for (let block = Math.floor(from / blockBytes); block <= last; block++) {
      this.watcher.changes(block);
    }
  }

  /** Where an offset of a block lies in `#page`. */
  #open(block: number, offset: number): number {
    if (block < this.#blocks.length) {
      const address = this.#blocks[block] as number;
      if (address !== 0) return this.#openAt(address, offset);
      this.#page = zeros;
      return offset;
    }
    return this.#openAt(this.#tail, tailHeadBytes + offset);
  }

  #openToWrite(block: number, offset: number): number {
    if (this.#blocks[block] === 0) {
      const address = this.#arena.allocBlock();
      this.#blocks[block] = address;
      const at = this.#openAt(address, 0);
      this.#page.fill(0, at, at + blockBytes);
    }
    return this.#open(block, offset);
  }

  #openAt(address: number, offset: number): number {
    this.#page = this.#arena.bytes[address >>> chunkUnitsShift] as Buffer;
    return ((address & chunkUnitsMask) << unitShift) + offset;
  }

  #grow(length: number): void {
    assert(length > this.length, "a blob grows");
    const wholeBefore = this.#blocks.length;
    const whole = Math.floor(length / blockBytes);
    const tailBefore = this.length % blockBytes;
    const tail = length % blockBytes;
    if (whole > wholeBefore) {
      for (let block = wholeBefore; block < whole; block++) this.#blocks.push(0);
      if (tailBefore > 0) this.#tailToBlock(wholeBefore, tailBefore);
      if (tail > 0) this.#newTail(tail);
    } else {
      this.#growTail(tailBefore, tail);
    }
    this.length = length;
  }

  #tailToBlock(block: number, length: number): void {
    const from = this.#openAt(this.#tail, tailHeadBytes);
    const source = this.#page;
    const to = this.#openToWrite(block, 0);
    source.copy(this.#page, to, from, from + length);
    const slot = this.#tail;
    this.#tail = 0;
    this.#arena.free(slot, tailUnits(length));
  }

  #newTail(length: number): void {
    this.#tail = this.#arena.alloc(tailUnits(length));
    const { words } = this.#arena;
    const head = (this.#tail & chunkUnitsMask) << 1;
    (words[this.#tail >>> chunkUnitsShift] as Uint32Array)[head] = this.number;
    (words[this.#tail >>> chunkUnitsShift] as Uint32Array)[head + 1] = 0;
    const at = this.#openAt(this.#tail, tailHeadBytes);
    this.#page.fill(0, at, at + length);
  }

  /** A slot of the same size goes on; what is new in it becomes zeros. */
  #growTail(before: number, length: number): void {
    const slot = this.#tail;
    if (before > 0 && tailUnits(before) === tailUnits(length)) {
      const at = this.#openAt(slot, tailHeadBytes);
      this.#page.fill(0, at + before, at + length);
      return;
    }
    this.#newTail(length);
    if (before === 0) return;
    const from = this.#openAt(slot, tailHeadBytes);
    const source = this.#page;
    const to = this.#openAt(this.#tail, tailHeadBytes);
    source.copy(this.#page, to, from, from + before);
    this.#arena.free(slot, tailUnits(before));
  }
}

/** Units that the tail's slot is asked for: equal for lengths that share a size. */
function tailUnits(length: number): number {
  return slotUnits(unitsOf(tailHeadBytes + length));
}
