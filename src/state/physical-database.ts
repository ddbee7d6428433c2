// The slots of one database, and the walks over all of them: SCAN, KEYS, RANDOMKEY.

import { assert } from "../assert.ts";
import { slotCount } from "../constants.ts";
import { DenseSlot, type SlotOwner } from "./dense-slot.ts";
import type { KeyHasher } from "./slots.ts";

/** Slots are counted in groups, so that a walk skips empty ones without looking at each. */
const groupBits = 7;
const groupSlots = 1 << groupBits;
const groupCount = slotCount / groupSlots;

/** A cursor is slot * positionSpan + position: 46 bits, exact in a number and in any client. */
const positionSpan = 2 ** 32;

assert(Number.isSafeInteger(slotCount * positionSpan), "every cursor is a safe integer");

/** A checkpoint that has begun. */
export interface SlotFreezer {
  /** Takes the slot's dirty positions and sets its `frozen`. */
  freeze(database: PhysicalDatabase, slot: DenseSlot): void;
}

/**
 * What a database number stands for, until FLUSHDB or SWAPDB puts another one in its place.
 *
 * Its id is never used again: a flushed database is simply left behind, in memory and on disk.
 */
export class PhysicalDatabase implements SlotOwner {
  readonly id: number;
  /** Keys, and keys with an expiry, dead ones that are not yet removed included. */
  size = 0;
  expires = 0;
  /** Of `expires` those that can ever fall due: the ones within 2^53. */
  timed = 0;
  /** XOR of the mixed checksums of all records on disk, and their number (checkpoint.ts). */
  digest = 0;
  persisted = 0;

  generation = 0;

  readonly #hasher: KeyHasher;
  #slots: (DenseSlot | undefined)[] = [];
  readonly #groupSizes = new Int32Array(groupCount);
  #changed: DenseSlot[] = [];
  #freezer: SlotFreezer | null = null;

  constructor(id: number, hasher: KeyHasher) {
    this.id = id;
    this.#hasher = hasher;
  }

  slot(number: number): DenseSlot | undefined {
    return this.#slots[number];
  }

  /** The slot, made when it is not there yet. */
  ensureSlot(number: number): DenseSlot {
    const slot = this.#slots[number];
    if (slot !== undefined) return slot;
    if (this.#slots.length === 0) this.#slots = new Array(slotCount).fill(undefined);
    const made = new DenseSlot(number, this, this.#hasher);
    this.#slots[number] = made;
    return made;
  }

  /** Keys were added to a slot, or with a negative number removed from it. */
  count(slotNumber: number, added: number): void {
    this.size += added;
    const group = slotNumber >> groupBits;
    this.#groupSizes[group] = (this.#groupSizes[group] as number) + added;
  }

  slotChanges(slot: DenseSlot): void {
    this.#changed.push(slot);
  }

  freeze(slot: DenseSlot): void {
    assert(this.#freezer !== null, "a checkpoint has begun");
    this.#freezer.freeze(this, slot);
  }

  /**
   * A checkpoint begins: the slots that differ from the last one. Constant time: the checkpoint freezes
   * each when it comes to it, or when the slot changes before that.
   */
  beginGeneration(freezer: SlotFreezer): DenseSlot[] {
    const changed = this.#changed;
    this.#changed = [];
    this.#freezer = freezer;
    this.generation++;
    return changed;
  }

  /** Every slot that holds keys, ascending. The walk stands still while nobody changes anything. */
  *filledSlots(): IterableIterator<DenseSlot> {
    for (let at = this.#nextFilled(0); at < slotCount; at = this.#nextFilled(at + 1)) {
      yield this.#slots[at] as DenseSlot;
    }
  }

  /**
   * Walks about `count` positions, each slot from its end to its start, and returns the cursor to
   * go on with: 0 at the end. A key that stays only ever moves towards the start of its slot, ahead
   * of the walk, so it is met at least once. Any number at all is a harmless cursor.
   */
  scan(cursor: number, count: number, visit: (slot: DenseSlot, position: number) => void): number {
    let number = this.#nextFilled(slotOfCursor(cursor));
    // Position 0 is the end of the slot, wherever that is by now.
    let from = number * positionSpan <= cursor ? cursor % positionSpan : 0;
    for (let left = Math.max(1, count); number < slotCount; from = 0) {
      const slot = this.#slots[number] as DenseSlot;
      let position = from === 0 ? slot.size : Math.min(from, slot.size);
      for (; position > 0 && left > 0; left--) visit(slot, --position);
      if (position === 0) number = this.#nextFilled(number + 1);
      if (left === 0) return number < slotCount ? number * positionSpan + position : 0;
    }
    return 0;
  }

  /** The key of a rank below `size`, in the order of slots and positions. */
  at(rank: number): { readonly slot: DenseSlot; readonly position: number } {
    let before = rank;
    let group = 0;
    while (before >= (this.#groupSizes[group] as number)) {
      before -= this.#groupSizes[group] as number;
      group++;
    }
    for (let number = group * groupSlots; ; number++) {
      const slot = this.#slots[number];
      if (slot === undefined) continue;
      if (before < slot.size) return { slot, position: before };
      before -= slot.size;
    }
  }

  /** Throws when an invariant does not hold. For tests. */
  check(): void {
    let size = 0;
    let expires = 0;
    for (const slot of this.filledSlots()) {
      slot.check(this.#hasher);
      size += slot.size;
      expires += slot.expiries?.size ?? 0;
    }
    assert(size === this.size, `${size} keys are there, ${this.size} are counted`);
    assert(expires === this.expires, `${expires} expiries are there, ${this.expires} are counted`);
  }

  /** The first slot at or after a number that holds keys; slotCount when there is none. */
  #nextFilled(from: number): number {
    let number = from;
    while (number < slotCount) {
      if (this.#groupSizes[number >> groupBits] === 0) {
        number = ((number >> groupBits) + 1) << groupBits;
        continue;
      }
      const slot = this.#slots[number];
      if (slot !== undefined && slot.size > 0) return number;
      number++;
    }
    return slotCount;
  }
}

/** Beyond the last slot for what never was a cursor. */
function slotOfCursor(cursor: number): number {
  if (!Number.isSafeInteger(cursor) || cursor < 0) return slotCount;
  return Math.floor(cursor / positionSpan);
}
