// What follows from the figures of a node's memory: shares and ratios that INFO, MEMORY STATS and MEMORY DOCTOR tell.

import type { MemoryFigures, Server } from "../session-context.ts";

export interface MemoryShares {
  /** What is not the dataset, in bytes. A gap of zeros in a string counts and takes no memory, so this may be 0. */
  readonly overhead: number;
  /** What came since the start, in bytes, and how much of it in percent is the dataset. */
  readonly net: number;
  readonly datasetPercent: number;
  /** Of the peak, in percent. */
  readonly peakPercent: number;
  /** The process to what it uses; in the allocator pages to slots, and chunks to pages. */
  readonly processRatio: number;
  readonly pageRatio: number;
  readonly chunkRatio: number;
}

export function sharesOf(memory: MemoryFigures): MemoryShares {
  const { used, peak, startup, resident, dataset, allocated, active, chunks } = memory;
  const net = Math.max(used - startup, dataset);
  return {
    overhead: Math.max(0, used - dataset),
    net,
    datasetPercent: net === 0 ? 0 : (dataset / net) * 100,
    peakPercent: (used / peak) * 100,
    processRatio: resident / used,
    pageRatio: allocated === 0 ? 1 : active / allocated,
    chunkRatio: active === 0 ? 1 : chunks / active,
  };
}

/** Bytes of requests and replies that clients have under way. */
export function clientsBytes(server: Server): number {
  let bytes = 0;
  for (const client of server.clients()) bytes += client.queryBufferBytes + client.outputBytes;
  return bytes;
}
