// What a node has acknowledged, save by save, and where in its log each of them stands.

import type { Entry, HardState } from "../../src/raft/core/types.ts";

/** What must be there once a save is acknowledged. */
export interface Acknowledged {
  /** Of the save, from 1. */
  readonly sequence: number;
  readonly lastIndex: number;
  readonly hardState: HardState;
  /** Of the machine that has applied everything up to `lastIndex`. */
  readonly fingerprint: string;
  /** Path of the segment in the data directory, and the bytes [start, end) of the save in it. */
  readonly segment: string;
  readonly start: number;
  readonly end: number;
}

export interface History {
  readonly clusterId: string;
  /** In order; the first one is save 1. */
  readonly saves: readonly Acknowledged[];
  /** By index; also what was cut off the log's head. */
  readonly entries: ReadonlyMap<number, Entry>;
}
