// How much of a disk a node may use, and from when on it counts as full.

import {
  diskFloorBytes,
  diskFloorBytesMin,
  diskFloorShare,
  diskFloorShareMax,
  diskLastShare,
  diskReserveBytes,
  diskReserveShare,
  logDiskShare,
  mergeTablesMax,
  smallDiskBytes,
  storeBufferBytes,
  storeBufferBytesMin,
  storeTableBytes,
  storeTableBytesMin,
} from "../../constants.ts";
import type { LevelSizes } from "../../state/checkpoint/level.ts";

/** Of the file system that holds the data directory, in bytes. */
export interface DiskSpace {
  /** Some file systems do not tell: 0. */
  readonly total: number;
  /** What an unprivileged process may still use. */
  readonly free: number;
}

/**
 * Below this a node counts as full. A share of the disk, and never more than a named size; on a small disk what a checkpoint
 * needs while its tables are merged, because that must not depend on luck.
 */
export function diskFloor({ total }: DiskSpace): number {
  const forMerging = Math.min(diskFloorBytesMin, total * diskFloorShareMax);
  return Math.min(diskFloorBytes, Math.max(total * diskFloorShare, forMerging));
}

/** The size of the reserve file: see DiskReserve. A node that its own data keeps at the floor has room for it. */
export function reserveSize(space: DiskSpace): number {
  const share = Math.min(space.total * diskReserveShare, diskFloor(space) / 2);
  return Math.floor(Math.min(diskReserveBytes, share));
}

/** Below this nothing is written any more that a client asks for, not even what frees space. */
export function lastSpace(space: DiskSpace): number {
  return reserveSize(space) * diskLastShare;
}

/** Of the checkpoint store. */
export function storeSizes({ total }: DiskSpace): LevelSizes {
  return total > 0 && total < smallDiskBytes
    ? { bufferBytes: storeBufferBytesMin, tableBytes: storeTableBytesMin }
    : { bufferBytes: storeBufferBytes, tableBytes: storeTableBytes };
}

/** What the store may need for a while, beside what there is, to merge its tables. */
export function mergeSpace(space: DiskSpace): number {
  return mergeTablesMax * storeSizes(space).tableBytes;
}

/** Whether so many bytes may be used ahead of time: they bring no disk anywhere near to being full. */
export function hasSpaceFor(bytes: number, space: DiskSpace): boolean {
  return space.free - bytes > 2 * diskFloor(space);
}

/** Most bytes of a segment, between two checkpoints, or behind one: a log may not fill its disk by itself. */
export function logShare({ total }: DiskSpace): number {
  return total === 0 ? Number.POSITIVE_INFINITY : Math.floor(total * logDiskShare);
}
