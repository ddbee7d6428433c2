// Sizes of slots: every number of units finds the smallest size that holds it.

import { expect, test } from "vitest";
import {
  sizeClassCount,
  sizeClassOf,
  slotUnits,
  slotUnitsMax,
  unitBytes,
  unitsOf,
  unitsOfClass,
} from "../../../src/state/memory/sizes.ts";

const all = Array.from({ length: slotUnitsMax }, (_, at) => at + 1);

test("a size holds what it is chosen for, and wastes less than a sixteenth", () => {
  const bad = all.filter((units) => {
    const slot = slotUnits(units);
    return slot < units || (slot - units) * 16 >= units;
  });
  expect(bad).toEqual([]);
});

test("the number of a size and its units agree", () => {
  const bad = all.filter((units) => unitsOfClass(sizeClassOf(units)) !== slotUnits(units));
  expect(bad).toEqual([]);
  expect(sizeClassOf(slotUnitsMax)).toBe(sizeClassCount - 1);
});

test("sizes grow with their numbers, and none is left out or given twice", () => {
  const classes = all.map(sizeClassOf);
  expect([...new Set(classes)]).toEqual(
    Array.from({ length: sizeClassCount - 1 }, (_, at) => at + 1),
  );
  expect(classes).toEqual(classes.toSorted((a, b) => a - b));
});

test("the units of a slot have a slot of the same size: what was asked for is not needed to free it", () => {
  expect(all.filter((units) => slotUnits(slotUnits(units)) !== slotUnits(units))).toEqual([]);
});

test("bytes fill units, and the last one is wasted by less than all of it", () => {
  for (let bytes = 1; bytes < 100; bytes++) {
    const room = unitsOf(bytes) * unitBytes;
    expect(room).toBeGreaterThanOrEqual(bytes);
    expect(room - bytes).toBeLessThan(unitBytes);
  }
});
