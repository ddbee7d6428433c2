// From keys to positions: an open hash table of small numbers, a quarter of the size of a Map.

import type { Bytes } from "../../resp/reply.ts";
import type { KeyHasher } from "./key-hash.ts";

/** (position + 1) * 256 + eight bits of the hash; 0 is a free cell. As narrow as positions allow. */
type Cells = Uint16Array | Uint32Array | Float64Array;

const cellsMin = 8;

function makeCells(count: number): Cells {
  if (count <= 2 ** 8) return new Uint16Array(count);
  return count <= 2 ** 24 ? new Uint32Array(count) : new Float64Array(count);
}

/**
 * The index over an array of different keys that its owner keeps dense. The cells hold positions and
 * no keys, so that 1 M keys of 16 bytes need 30 bytes a key less than with a Map per partition, and a
 * partition may grow beyond a Map's 2^24 entries. Linear probing; at most three of four cells are taken.
 */
export class PositionIndex {
  readonly #keys: readonly Bytes[];
  readonly #hasher: KeyHasher;
  #cells: Cells = makeCells(cellsMin);
  #taken = 0;

  constructor(keys: readonly Bytes[], hasher: KeyHasher) {
    this.#keys = keys;
    this.#hasher = hasher;
  }

  get size(): number {
    return this.#taken;
  }

  /** -1 when the key is not there. `hash` is the key's. */
  find(key: Bytes, hash: number): number {
    const cells = this.#cells;
    const mask = cells.length - 1;
    const mark = hash >>> 24;
    for (let at = hash & mask; ; at = (at + 1) & mask) {
      const cell = cells[at] as number;
      if (cell === 0) return -1;
      if ((cell & 0xff) === mark) {
        const position = positionIn(cell);
        if (this.#keys[position] === key) return position;
      }
    }
  }

  /** The key at a position, which stands in the array already, is new. */
  add(hash: number, position: number): void {
    const { length } = this.#cells;
    this.#taken++;
    if (4 * this.#taken > 3 * length) this.#resize(2 * length);
    else this.#put(hash, position);
  }

  /** Forgets the key at a position; it still stands in the array. */
  remove(position: number): void {
    const cells = this.#cells;
    const mask = cells.length - 1;
    this.#taken--;
    let free = this.#cellOf(position);
    cells[free] = 0;
    // Whoever could not have its own cell because of this one moves up.
    for (let at = (free + 1) & mask; cells[at] !== 0; at = (at + 1) & mask) {
      const cell = cells[at] as number;
      const home = this.#hashAt(positionIn(cell)) & mask;
      if (((at - home) & mask) < ((at - free) & mask)) continue;
      cells[free] = cell;
      cells[at] = 0;
      free = at;
    }
  }

  /** The key at position `from`, where it still stands in the array, will stand at `to`. */
  move(from: number, to: number): void {
    const at = this.#cellOf(from);
    this.#cells[at] = cellFor(to, (this.#cells[at] as number) & 0xff);
  }

  /** After removals: gives back memory that is no longer needed. */
  shrink(): void {
    const { length } = this.#cells;
    if (length > cellsMin && 8 * this.#taken < length) this.#resize(length / 2);
  }

  /** The keys are those of the array, from the start. */
  #resize(length: number): void {
    this.#cells = makeCells(length);
    for (let position = 0; position < this.#taken; position++) {
      this.#put(this.#hashAt(position), position);
    }
  }

  #put(hash: number, position: number): void {
    const cells = this.#cells;
    const mask = cells.length - 1;
    let at = hash & mask;
    while (cells[at] !== 0) at = (at + 1) & mask;
    cells[at] = cellFor(position, hash >>> 24);
  }

  /** The cell of a position that has one. */
  #cellOf(position: number): number {
    const cells = this.#cells;
    const mask = cells.length - 1;
    const hash = this.#hashAt(position);
    const wanted = cellFor(position, hash >>> 24);
    let at = hash & mask;
    while (cells[at] !== wanted) at = (at + 1) & mask;
    return at;
  }

  #hashAt(position: number): number {
    return this.#hasher.hashOf(this.#keys[position] as Bytes);
  }
}

function cellFor(position: number, mark: number): number {
  return (position + 1) * 256 + mark;
}

function positionIn(cell: number): number {
  return (cell < 2 ** 32 ? cell >>> 8 : Math.floor(cell / 256)) - 1;
}
