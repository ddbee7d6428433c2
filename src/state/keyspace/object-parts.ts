// The parts of a long value as they stand on disk: which of them changed since the last checkpoint.

import { type Blob, type BlobWatcher, blockBytes } from "../memory/blob.ts";

/** Checkpoints begun, and what they still have to know of objects. */
export interface ObjectsOwner {
  /** The number of checkpoints begun. */
  readonly generation: number;
  /** The next checkpoint has so many bytes more to write, at most. */
  dirtied(bytes: number): void;
  /** The checkpoint that has begun wants a part as it still is. */
  preserve(parts: ObjectParts, part: number): void;
  /** No record names the object any more. */
  freed(parts: ObjectParts): void;
}

/** A part is a block of the blob: 64 KiB. */
export class ObjectParts implements BlobWatcher {
  /** Never used again. Equal on every node, because it is counted while entries are applied. */
  readonly id: number;
  readonly blob: Blob;
  /** Of the parts on disk, by part; undefined for those that are not there. */
  readonly checksums: (number | undefined)[] = [];

  readonly #owner: ObjectsOwner;
  #dirty: number[] = [];
  /** Of the checkpoint that has begun: what it still has to write. */
  #frozen: number[] = [];
  #generation: number;

  constructor(id: number, blob: Blob, owner: ObjectsOwner) {
    this.id = id;
    this.blob = blob;
    this.#owner = owner;
    this.#generation = owner.generation;
  }

  changes(part: number): void {
    this.freeze();
    if (hasBit(this.#frozen, part)) this.#owner.preserve(this, part);
    if (hasBit(this.#dirty, part)) return;
    setBit(this.#dirty, part);
    this.#owner.dirtied(blockBytes);
  }

  freed(): void {
    this.#owner.freed(this);
  }

  /** What changed before the checkpoint that began last belongs to it. */
  freeze(): void {
    if (this.#generation === this.#owner.generation) return;
    this.#generation = this.#owner.generation;
    this.#frozen = this.#dirty;
    this.#dirty = [];
  }

  /** The next part that the checkpoint has to write; -1 when there is none. */
  nextFrozen(): number {
    for (let word = 0; word < this.#frozen.length; word++) {
      const bits = this.#frozen[word] as number;
      if (bits !== 0) return word * 32 + (31 - Math.clz32(bits & -bits));
    }
    return -1;
  }

  /** The checkpoint has written a part. */
  written(part: number, checksum: number): void {
    this.checksums[part] = checksum;
    this.#frozen[part >>> 5] = (this.#frozen[part >>> 5] as number) & ~(1 << (part & 31));
  }

  /** For the restart: everything is on disk as it is. */
  restored(): void {
    this.#dirty = [];
  }
}

function hasBit(bits: readonly number[], at: number): boolean {
  return (((bits[at >>> 5] ?? 0) >>> (at & 31)) & 1) === 1;
}

function setBit(bits: number[], at: number): void {
  while (bits.length <= at >>> 5) bits.push(0);
  bits[at >>> 5] = (bits[at >>> 5] as number) | (1 << (at & 31));
}
