import { expect, it } from "vitest";
import { DiskReserve } from "../../../src/node/directory/disk-reserve.ts";
import { diskFloor, lastSpace, reserveSize } from "../../../src/node/directory/disk-space.ts";
import { SimulatedDisk } from "../../support/log-disk.ts";
import { seeded } from "../../support/log-random.ts";

const MiB = 2 ** 20;
const total = 60 * MiB;
const size = reserveSize({ total, free: total });
const floor = diskFloor({ total, free: total });
const last = lastSpace({ total, free: total });

async function opened(free: number, disk = new SimulatedDisk(seeded(1))) {
  if (!disk.paths().some((path) => path.startsWith("d/"))) await disk.makeDirectory();
  const reserve = await DiskReserve.open(disk, "d", () => Promise.resolve({ total, free }));
  return { disk, reserve };
}

const sizeOf = (disk: SimulatedDisk) =>
  disk.paths().includes("d/reserve") ? disk.content("d/reserve").length : 0;

it("is made when that leaves half of the floor, and not before", async () => {
  const { disk, reserve } = await opened(total);
  await reserve.follow({ total, free: floor / 2 + size });
  expect(sizeOf(disk)).toBe(0);
  await reserve.follow({ total, free: floor / 2 + size + 1 });
  expect(sizeOf(disk)).toBe(size);
});

it("is not made on a roomy disk, nor where the file system does not tell", async () => {
  const { disk, reserve } = await opened(total);
  await reserve.follow({ total: 100 * 1024 * MiB, free: 50 * 1024 * MiB });
  await reserve.follow({ total: 0, free: 0 });
  expect(disk.paths().filter((path) => path.startsWith("d/"))).toEqual([]);
});

it("gives way when the disk is full, and comes again with the space", async () => {
  const { disk, reserve } = await opened(total);
  await reserve.follow({ total, free: total });
  await reserve.follow({ total, free: last });
  expect(sizeOf(disk)).toBe(size);
  await reserve.follow({ total, free: last - 1 });
  expect(sizeOf(disk)).toBe(0);
  await reserve.follow({ total, free: total });
  expect(sizeOf(disk)).toBe(size);
});

it("gives way when that makes room for what frees space, and not in vain", async () => {
  const { disk, reserve } = await opened(total);
  await reserve.follow({ total, free: total });
  await reserve.give({ total, free: 10 }, size + 10);
  expect(sizeOf(disk)).toBe(size);
  await reserve.give({ total, free: 10 }, size + 9);
  expect(sizeOf(disk)).toBe(0);
});

it("gives way at a start on a full disk, before anything is written", async () => {
  const { disk, reserve } = await opened(total);
  await reserve.follow({ total, free: total });
  await opened(size, disk);
  expect(sizeOf(disk)).toBe(size);
  const { reserve: next } = await opened(size - 1, disk);
  expect(sizeOf(disk)).toBe(0);
  expect(next.isThere).toBe(false);
});

it("a disk that is full meanwhile ends the attempt and not the process; half of one is no reserve", async () => {
  const { disk, reserve } = await opened(total);
  disk.failNext(Object.assign(new Error("ENOSPC"), { code: "ENOSPC" }));
  await reserve.follow({ total, free: total });
  expect(reserve.isThere).toBe(false);
  expect(disk.paths().filter((path) => path.startsWith("d/"))).toEqual([]);
});
