import { expect, it } from "vitest";
import {
  diskFloorBytes,
  diskFloorBytesMin,
  diskFloorShare,
  diskFloorShareMax,
  diskLastShare,
} from "../../../src/constants.ts";
import {
  diskFloor,
  hasSpaceFor,
  lastSpace,
  logShare,
  reserveSize,
} from "../../../src/node/directory/disk-space.ts";

const MiB = 2 ** 20;
const GiB = 2 ** 30;
const disk = (total: number) => ({ total, free: total });

it("the floor is a named size on a large disk, a named share of a smaller one, and enough for a checkpoint", () => {
  expect(diskFloor(disk(100 * GiB))).toBe(diskFloorBytes);
  expect(diskFloor(disk(2 * GiB))).toBe(2 * GiB * diskFloorShare);
  expect(diskFloor(disk(400 * MiB))).toBe(diskFloorBytesMin);
  expect(diskFloor(disk(60 * MiB))).toBe(60 * MiB * diskFloorShareMax);
});

it("what may free space is taken below the floor, as long as a part of a reserve is free", () => {
  for (const total of [60 * MiB, 400 * MiB, 100 * GiB]) {
    expect(lastSpace(disk(total))).toBe(reserveSize(disk(total)) * diskLastShare);
    expect(reserveSize(disk(total))).toBeLessThan(diskFloor(disk(total)));
  }
});

it("nothing is made ahead of time near the floor", () => {
  const space = { total: 100 * GiB, free: 2 * diskFloorBytes + 65 * MiB };
  expect(hasSpaceFor(64 * MiB, space)).toBe(true);
  expect(hasSpaceFor(65 * MiB, space)).toBe(false);
});

it("a log may take a share of a small disk, so that it does not fill it by itself", () => {
  expect(logShare({ total: 64 * MiB, free: 0 })).toBe(4 * MiB);
  expect(logShare({ total: 0, free: 0 })).toBe(Number.POSITIVE_INFINITY);
});
