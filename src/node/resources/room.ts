// What is left of a resource, disk or memory, as nodes tell it to each other.

import { readU53, writeU53 } from "../../bytes.ts";

/** In bytes, and 0 when nothing is left; infinite when it is not known. */
export interface Room {
  /** For what makes the state grow. */
  readonly growth: number;
  /** For writes that do not, such as DEL: they need some log and a checkpoint before they free anything. */
  readonly any: number;
}

export const plenty: Room = {
  growth: Number.POSITIVE_INFINITY,
  any: Number.POSITIVE_INFINITY,
};

/** Both are bytes that are free, in the file system or in memory. */
export function roomOf(
  free: number,
  floors: { readonly growth: number; readonly any: number },
): Room {
  return { growth: Math.max(0, free - floors.growth), any: Math.max(0, free - floors.any) };
}

export function lessOf(one: Room, other: Room): Room {
  return { growth: Math.min(one.growth, other.growth), any: Math.min(one.any, other.any) };
}

const roomBytes = 16;

/** Disk, then memory, each as growth u53 and any u53. */
export function encodeRooms(rooms: readonly Room[]): Buffer {
  const body = Buffer.alloc(roomBytes * rooms.length);
  for (const [at, { growth, any }] of rooms.entries()) {
    writeU53(body, told(growth), at * roomBytes);
    writeU53(body, told(any), at * roomBytes + 8);
  }
  return body;
}

/** Null when it is no such word. */
export function decodeRooms(body: Buffer, count: number): readonly Room[] | null {
  if (body.length !== roomBytes * count) return null;
  return Array.from({ length: count }, (_, at) => ({
    growth: readU53(body, at * roomBytes),
    any: readU53(body, at * roomBytes + 8),
  }));
}

const told = (bytes: number): number => Math.min(Number.MAX_SAFE_INTEGER, Math.floor(bytes));

/** For a line of the log. */
export const inMiB = (bytes: number): number => Math.floor(bytes / 2 ** 20);
