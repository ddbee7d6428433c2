import { describe, expect, it } from "vitest";
import { memoryShare, memoryShareMax } from "../../../src/constants.ts";
import { MemoryRoom, type MemorySpace } from "../../../src/node/resources/memory-room.ts";
import { plenty } from "../../../src/node/resources/room.ts";
import { measureMemory } from "../../../src/node/resources/system-memory.ts";

const GiB = 2 ** 30;
const MiB = 2 ** 20;

async function roomOf(space: MemorySpace | null): Promise<MemoryRoom> {
  const room = new MemoryRoom(() => Promise.resolve(space));
  await room.look();
  return room;
}

describe("the room in memory", () => {
  const space = { resident: 2 * GiB, limit: 4 * GiB, available: 8 * GiB, total: 16 * GiB };

  it("ends at a share of what the process may hold; entries since the last look count", async () => {
    const room = await roomOf(space);
    expect(room.room.growth).toBeCloseTo(4 * GiB * memoryShare - 2 * GiB);
    expect(room.room.any).toBeCloseTo(4 * GiB * memoryShareMax - 2 * GiB);
    room.applied(GiB);
    expect(room.room.growth).toBeCloseTo(4 * GiB * memoryShare - 3 * GiB);
  });

  it("ends as well where other processes leave the machine nothing", async () => {
    const { room } = await roomOf({ ...space, available: 200 * MiB });
    expect(room).toEqual({ growth: 0, any: 72 * MiB });
  });

  it("is plenty where the system does not tell", async () => {
    expect((await roomOf(null)).room).toBe(plenty);
  });
});

describe("what the system says", () => {
  const meminfo = "MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\n";
  const measure = (files: Readonly<Record<string, string>>) =>
    measureMemory(
      (path) => Promise.resolve(files[path] ?? null),
      () => 5,
    );

  it("is the machine's memory where no group limits it", async () => {
    expect(await measure({ "/proc/meminfo": meminfo })).toEqual({
      ...{ resident: 5, limit: 16_000_000 * 1024, available: 8_000_000 * 1024 },
      total: 16_000_000 * 1024,
    });
  });

  it.each([
    [
      "version 2, of a group above",
      {
        "/proc/self/cgroup": "0::/a/b\n",
        "/sys/fs/cgroup/a/memory.max": "1000\n",
        "/sys/fs/cgroup/a/b/memory.max": "max\n",
      },
    ],
    [
      "version 2, inside of a container",
      { "/proc/self/cgroup": "0::/../x\n", "/sys/fs/cgroup/memory.max": "1000\n" },
    ],
    [
      "version 1",
      {
        "/proc/self/cgroup": "9:cpu:/\n8:memory,x:/docker/1\n",
        "/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes": "1000\n",
      },
    ],
  ])("is the least limit of a control group: %s", async (_version, files) => {
    const space = await measure({ "/proc/meminfo": meminfo, ...files });
    expect(space?.limit).toBe(1_000);
  });

  it("is nothing where there is no such file", async () => {
    expect(await measure({})).toBeNull();
  });
});
