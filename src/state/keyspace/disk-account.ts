// What checkpoints know of a keyspace: the ids of what lies on disk, what is gone from it, and a digest of all.

import type { Blob, BlobWatcher } from "../memory/blob.ts";
import { ObjectParts, type ObjectsOwner } from "./object-parts.ts";
import type { RowOnDisk } from "./partition.ts";

/** A checkpoint that has begun. */
export interface PartWriter {
  putPart(parts: ObjectParts, part: number): void;
  /** So much of it waits for the disk that nothing should change until some of it is there. */
  readonly isBehind: boolean;
}

/** Numbers are counted while entries are applied, so they are equal on every node; the rest is this node's own. */
export class DiskAccount implements ObjectsOwner {
  /** The ids of the next partition and object; none is ever used again. */
  nextPartition = 1;
  nextObject = 1;

  /** Checkpoints begun. */
  generation = 0;
  /** The next checkpoint writes no more than so many bytes of records. */
  dirtyBytes = 0;
  checkpoint: PartWriter | null = null;

  /** Parts and partitions on disk. */
  parts = 0;
  partitions = 0;
  /** Checksums of the rows of origins, by node. */
  readonly origins = new Map<number, number>();
  /** XOR of the mixed checksums of origins, parts and partitions. */
  digest = 0;

  #goneObjects: ObjectParts[] = [];
  #goneRows: RowOnDisk[] = [];

  watch(blob: Blob): BlobWatcher {
    return new ObjectParts(this.nextObject++, blob, this);
  }

  dirtied(bytes: number): void {
    this.dirtyBytes += bytes;
  }

  preserve(parts: ObjectParts, part: number): void {
    this.checkpoint?.putPart(parts, part);
  }

  freed(parts: ObjectParts): void {
    if (parts.blob.isHeld || parts.checksums.length > 0) this.#goneObjects.push(parts);
  }

  /** A partition of a flushed database: this and all of its records go with the next checkpoint. */
  left(row: RowOnDisk): void {
    this.#goneRows.push(row);
  }

  /** What the checkpoint that begins has to delete. */
  takeGone(): { objects: ObjectParts[]; rows: RowOnDisk[] } {
    const gone = { objects: this.#goneObjects, rows: this.#goneRows };
    this.#goneObjects = [];
    this.#goneRows = [];
    return gone;
  }
}
