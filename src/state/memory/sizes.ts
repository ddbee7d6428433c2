// The sizes of slots: which room a record of so many bytes takes.

import { assert } from "../../assert.ts";

/** Addresses count units of 8 bytes: 32 bits of them reach 32 GiB. */
export const unitBytes = 8;
export const unitShift = 3;

/** Up to this many units every number of them is a size of its own; beyond, 16 sizes share a doubling. */
const exactUnitsMax = 64;
const sizesPerDoubling = 16;
const doublings = 8;

/** The largest slot: 128 KiB. */
export const slotUnitsMax: number = exactUnitsMax << doublings;
export const sizeClassCount: number = exactUnitsMax + doublings * sizesPerDoubling + 1;

export function unitsOf(bytes: number): number {
  return (bytes + unitBytes - 1) >>> unitShift;
}

/** The number of the smallest size that holds so many units, at least 1. It wastes a sixteenth at most. */
export function sizeClassOf(units: number): number {
  if (units <= exactUnitsMax) return units;
  assert(units <= slotUnitsMax, "a slot has at most slotUnitsMax units");
  // In (64 * 2^k, 64 * 2^(k+1)] sizes are 4 * 2^k units apart.
  const k = 25 - Math.clz32(units - 1);
  const steps = ((units - 1) >>> (k + 2)) + 1;
  return exactUnitsMax + k * sizesPerDoubling + steps - sizesPerDoubling;
}

/** Units of a slot of this size. */
export function unitsOfClass(sizeClass: number): number {
  if (sizeClass <= exactUnitsMax) return sizeClass;
  const above = sizeClass - exactUnitsMax - 1;
  const k = Math.floor(above / sizesPerDoubling);
  return ((above % sizesPerDoubling) + 1 + sizesPerDoubling) << (k + 2);
}

/** Units of the slot that `sizeClassOf(units)` gives. */
export function slotUnits(units: number): number {
  if (units <= exactUnitsMax) return units;
  const shift = 27 - Math.clz32(units - 1);
  return (((units - 1) >>> shift) + 1) << shift;
}
