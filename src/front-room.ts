// Bytes that were made with unused room in front of them: a head can be put there later, and nothing is copied.

import { asBuffer } from "./bytes.ts";

/** How many bytes in front of these are unused. */
const rooms = new WeakMap<Uint8Array, number>();

/** Says that so many bytes in front of `bytes`, in the same memory, are unused. */
export function offerFrontRoom(bytes: Uint8Array, room: number): void {
  rooms.set(bytes, room);
}

/**
 * These bytes with `length` more in front, which the caller may write; null when there is no such room. The room is
 * given away once, so a second call gets null.
 */
export function claimFrontRoom(bytes: Uint8Array, length: number): Buffer | null {
  const room = rooms.get(bytes) ?? 0;
  if (room < length) return null;
  rooms.delete(bytes);
  const { buffer, byteOffset, byteLength } = asBuffer(bytes);
  const whole = Buffer.from(buffer, byteOffset - length, length + byteLength);
  if (room > length) rooms.set(whole, room - length);
  return whole;
}
