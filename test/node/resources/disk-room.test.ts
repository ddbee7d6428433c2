import { expect, it } from "vitest";
import {
  checkpointCopies,
  diskFloorBytesMin,
  diskLogBytes,
  diskLookBytes,
} from "../../../src/constants.ts";
import { lastSpace } from "../../../src/node/directory/disk-space.ts";
import { DiskRoom } from "../../../src/node/resources/disk-room.ts";
import { plenty } from "../../../src/node/resources/room.ts";

const MiB = 2 ** 20;
const last = lastSpace({ total: 400 * MiB, free: 0 });

function room(total = 400 * MiB, free = 200 * MiB) {
  const disk = { total, free };
  const measured: (() => void)[] = [];
  const diskRoom = new DiskRoom({
    measure: () => new Promise((resolve) => measured.push(() => resolve({ ...disk }))),
  });
  let wanted = 0;
  diskRoom.onLookWanted = () => {
    wanted += 1;
  };
  const look = async (): Promise<void> => {
    const looking = diskRoom.look();
    measured.shift()?.();
    await looking;
  };
  return { diskRoom, disk, look, measured, wanted: () => wanted };
}

it("what was written since the last look is subtracted", async () => {
  const { diskRoom, look } = room();
  await look();
  diskRoom.grown(5 * MiB);
  expect(diskRoom.space.free).toBe(195 * MiB);
  expect(diskRoom.room.any).toBe(195 * MiB - last);
  diskRoom.grown(500 * MiB);
  expect(diskRoom.room).toEqual({ growth: 0, any: 0 });
});

it("what grows the state leaves the floor, and room for the checkpoints of all that has changed, its own included", async () => {
  const { diskRoom, disk, look } = room();
  let claimed = 0;
  diskRoom.claimed = () => claimed;
  await look();
  expect(diskRoom.room.growth).toBe((disk.free - last) / (1 + checkpointCopies));
  claimed = 100 * MiB;
  expect(diskRoom.room.growth).toBe((disk.free - last - claimed) / (1 + checkpointCopies));
  expect(diskRoom.room.any).toBe(disk.free - last - claimed);
  claimed = 0;
  disk.free = diskFloorBytesMin + 2 * MiB;
  await look();
  expect(diskRoom.room.growth).toBe(2 * MiB);
});

it("when the next checkpoint has no room, what frees space is taken all the same, and nothing that grows", async () => {
  const { diskRoom, disk, look } = room();
  diskRoom.claimed = () => 300 * MiB;
  await look();
  expect(diskRoom.room).toEqual({ growth: 0, any: disk.free - diskLogBytes });
  diskRoom.isClaiming = () => true;
  expect(diskRoom.room).toEqual({ growth: 0, any: 0 });
});

it("what is written while the disk is measured counts until the next look", async () => {
  const { diskRoom, disk, measured } = room();
  diskRoom.grown(MiB);
  const looking = diskRoom.look();
  diskRoom.grown(3 * MiB);
  measured.shift()?.();
  await looking;
  expect(diskRoom.space.free).toBe(disk.free - 3 * MiB);
});

it("a scarce disk is looked at again after every so many bytes, a roomy one is not", async () => {
  const small = room();
  await small.look();
  small.diskRoom.grown(diskLookBytes - 1);
  expect(small.wanted()).toBe(0);
  small.diskRoom.grown(1);
  expect(small.wanted()).toBe(1);
  const large = room(100 * 1024 * MiB, 50 * 1024 * MiB);
  await large.look();
  large.diskRoom.grown(2 * diskLookBytes);
  expect(large.wanted()).toBe(0);
});

it("nothing is refused before the first look, and where the file system does not tell", async () => {
  const { diskRoom, look } = room(0, 0);
  expect(diskRoom.room).toBe(plenty);
  await look();
  expect(diskRoom.room).toBe(plenty);
});
