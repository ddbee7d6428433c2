// The partitions of one database, and the walks over all of them: SCAN, KEYS, RANDOMKEY.

import { assert, InvariantError } from "../../assert.ts";
import { partitionCount } from "../../constants.ts";
import type { DueHeap } from "../memory/due-heap.ts";
import type { Memory } from "../memory/memory.ts";
import type { DiskAccount } from "./disk-account.ts";
import { Partition, type PartitionOwner } from "./partition.ts";

/** A cursor is partition * positionSpan + position: 40 bits, exact in a number and in any client. */
const positionSpan = 2 ** 32;

assert(Number.isSafeInteger(partitionCount * positionSpan), "every cursor is a safe integer");

/** A checkpoint that has begun. */
export interface PartitionFreezer {
  /** Takes the partition's dirty positions and sets its `frozen`. */
  freeze(partition: Partition): void;
}

/**
 * What a database number stands for, until FLUSHDB or SWAPDB puts another one in its place.
 *
 * Its id is never used again: a flushed database is simply left behind, in memory and on disk.
 */
export class PhysicalDatabase implements PartitionOwner {
  readonly id: number;
  /** Keys, and keys with an expiry, dead ones that are not yet removed included. */
  size = 0;
  expires = 0;
  /** Bytes of keys and values, from lengths alone: equal on every node. */
  used = 0;
  generation = 0;
  trace = 0;
  #isDropped = false;

  /** Its keys with an expiry, in the order in which they fall due. */
  readonly due: DueHeap;

  readonly #memory: Memory;
  readonly #disk: DiskAccount;
  #partitions: (Partition | undefined)[] = [];
  #changed: Partition[] = [];
  /** The checkpoint that has begun and still needs what was here then. */
  #freezer: PartitionFreezer | null = null;
  /** The partitions that it needs; it removes those that it has written. */
  #needed: readonly Partition[] = [];

  constructor(id: number, memory: Memory, disk: DiskAccount) {
    this.id = id;
    this.#memory = memory;
    this.due = memory.createDueHeap();
    this.#disk = disk;
  }

  partition(number: number): Partition | undefined {
    return this.#partitions[number];
  }

  /** The partition, made when it is not there yet. */
  ensurePartition(number: number): Partition {
    const partition = this.#partitions[number];
    return partition ?? this.restorePartition(this.#disk.nextPartition++, number);
  }

  /** One that is not there yet, with an id that a checkpoint has kept. */
  restorePartition(id: number, number: number): Partition {
    if (this.#partitions.length === 0) this.#partitions = new Array(partitionCount).fill(undefined);
    const made = new Partition(id, number, this, this.#memory);
    this.#partitions[number] = made;
    return made;
  }

  count(keys: number, expires: number, used: number): void {
    this.size += keys;
    this.expires += expires;
    this.used += used;
  }

  dirtied(bytes: number): void {
    this.#disk.dirtied(bytes);
  }

  /** FLUSHDB: nobody asks for its keys any more. Their memory is given back by and by. */
  drop(): void {
    this.#isDropped = true;
    const needed = new Set(this.#needed);
    for (const partition of this.#partitions) {
      if (partition === undefined) continue;
      const isNeeded = needed.has(partition);
      if (isNeeded || partition.row.checksum !== undefined) this.#disk.left(partition.row);
      if (!isNeeded) this.#memory.drop(partition.table);
    }
  }

  /** The checkpoint has all that it needs of a partition. */
  written(partition: Partition): void {
    if (this.#isDropped) this.#memory.drop(partition.table);
  }

  /** A checkpoint keeps memory from being given back. */
  get isHeld(): boolean {
    return this.#isDropped && this.#needed.length > 0;
  }

  /** What index and positions of its keys take. */
  get besideBytes(): number {
    return this.#partitions.reduce(
      (sum, partition) => sum + (partition?.table.besideBytes ?? 0),
      0,
    );
  }

  forgetAccesses(): void {
    for (const partition of this.#partitions) partition?.forgetAccesses();
  }

  partitionChanges(partition: Partition): void {
    this.#changed.push(partition);
  }

  freeze(partition: Partition): void {
    assert(this.#freezer !== null, "a checkpoint has begun");
    this.#freezer.freeze(partition);
  }

  /**
   * A checkpoint begins: the partitions that differ from the last one. Constant time: the checkpoint freezes
   * each when it comes to it, or when the partition changes before that.
   */
  beginGeneration(freezer: PartitionFreezer): Partition[] {
    const changed = this.#changed;
    this.#changed = [];
    this.#freezer = freezer;
    this.#needed = changed;
    this.generation++;
    return changed;
  }

  /** The checkpoint has all that it needs of this database. */
  endGeneration(): void {
    assert(this.#needed.length === 0, "every partition that changed is written");
    this.#freezer = null;
  }

  /** Every partition that holds keys, ascending. The walk stands still while nobody changes anything. */
  *filledPartitions(): IterableIterator<Partition> {
    for (let at = this.#nextFilled(0); at < partitionCount; at = this.#nextFilled(at + 1)) {
      yield this.#partitions[at] as Partition;
    }
  }

  /**
   * Walks about `count` positions, each partition from its end to its start, and returns the cursor to
   * go on with: 0 at the end. A key that stays only ever moves towards the start of its partition, ahead
   * of the walk, so it is met at least once. Any number at all is a harmless cursor.
   */
  scan(
    cursor: number,
    count: number,
    visit: (partition: Partition, position: number) => void,
  ): number {
    let number = this.#nextFilled(partitionOfCursor(cursor));
    // Position 0 is the end of the partition, wherever that is by now.
    let from = number * positionSpan <= cursor ? cursor % positionSpan : 0;
    for (let left = Math.max(1, count); number < partitionCount; from = 0) {
      const partition = this.#partitions[number] as Partition;
      let position = from === 0 ? partition.size : Math.min(from, partition.size);
      for (; position > 0 && left > 0; left--) visit(partition, --position);
      if (position === 0) number = this.#nextFilled(number + 1);
      if (left === 0) return number < partitionCount ? number * positionSpan + position : 0;
    }
    return 0;
  }

  /** The key of a rank below `size`, in the order of partitions and positions. */
  at(rank: number): { readonly partition: Partition; readonly position: number } {
    let position = rank;
    for (const partition of this.#partitions) {
      if (partition === undefined) continue;
      if (position < partition.size) return { partition, position };
      position -= partition.size;
    }
    throw new InvariantError(`there is no key of rank ${rank}`);
  }

  /** Throws when an invariant does not hold. For tests. */
  check(): void {
    let size = 0;
    let expires = 0;
    let used = 0;
    for (const { table } of this.filledPartitions()) {
      table.check();
      size += table.size;
      expires += table.expires;
      used += table.used;
    }
    assert(size === this.size, `${size} keys are there, ${this.size} are counted`);
    assert(expires === this.expires, `${expires} expiries are there, ${this.expires} are counted`);
    assert(used === this.used, `${used} bytes are used, ${this.used} are counted`);
  }

  /** The first partition at or after a number that holds keys; partitionCount when there is none. */
  #nextFilled(from: number): number {
    for (let number = from; number < partitionCount; number++) {
      if ((this.#partitions[number]?.size ?? 0) > 0) return number;
    }
    return partitionCount;
  }
}

/** Beyond the last partition for what never was a cursor. */
function partitionOfCursor(cursor: number): number {
  if (!Number.isSafeInteger(cursor) || cursor < 0) return partitionCount;
  return Math.floor(cursor / positionSpan);
}
