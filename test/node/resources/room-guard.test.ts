import { expect, it } from "vitest";
import { createLogger } from "../../../src/logger.ts";
import { DiskRoom } from "../../../src/node/resources/disk-room.ts";
import { MemoryRoom } from "../../../src/node/resources/memory-room.ts";
import { RoomGuard, type RoomGuardOptions } from "../../../src/node/resources/room-guard.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { errors } from "../../../src/resp/errors.ts";
import type { WriteCommand } from "../../../src/state/commands/spec.ts";
import { commands } from "../../../src/state/commands/table.ts";

const MiB = 2 ** 20;
const GiB = 1024 * MiB;

function guarded() {
  const disk = { total: 400 * MiB, free: 300 * MiB };
  const memory = { resident: GiB, limit: 4 * GiB, available: 8 * GiB, total: 16 * GiB };
  const lines: string[] = [];
  const members = [{ id: asNode(1), voter: true, address: "" }];
  const core = { id: asNode(1), membership: { members, nextId: asNode(2) } };
  const state = { disk, memory, lines, pendingBytes: 0, claimed: 0 };
  const diskRoom = new DiskRoom({ measure: () => Promise.resolve({ ...disk }) });
  diskRoom.claimed = () => state.claimed;
  const guard = new RoomGuard({
    // What a node that is alone and follows nobody needs of it.
    driver: { core, isLeader: false } as unknown as RoomGuardOptions["driver"],
    peers: { send: () => true },
    disk: diskRoom,
    memory: new MemoryRoom(() => Promise.resolve({ ...memory })),
    reserve: { follow: () => Promise.resolve(), give: () => Promise.resolve() },
    pendingBytes: () => state.pendingBytes,
    logger: createLogger("warn", { write: (line) => lines.push(line) }),
  });
  const refusal = (name: string, bytes = 100) =>
    guard.refusal(commands.get(name) as WriteCommand, bytes);
  return { ...state, state, guard, refusal };
}

it("a full disk refuses what may make the state grow, and takes what frees space", async () => {
  const { disk, guard, refusal, lines } = guarded();
  await guard.check();
  expect(refusal("set")).toBeNull();
  disk.free = 60 * MiB;
  await guard.check();
  expect(["set", "append", "mset", "incr"].map((name) => refusal(name))).toEqual(
    Array.from({ length: 4 }, () => errors.diskFull),
  );
  const frees = ["del", "unlink", "getdel", "flushall", "flushdb", "expire"];
  expect(frees.map((name) => refusal(name))).toEqual(frees.map(() => null));
  disk.free = MiB;
  await guard.check();
  expect(refusal("del")).toBe(errors.diskFull);
  expect(lines).toEqual([expect.stringContaining("the disk is nearly full")]);
});

it("a write has to fit beside those that are under way", async () => {
  const { state, guard, refusal } = guarded();
  await guard.check();
  expect(refusal("set", 60 * MiB)).toBeNull();
  state.pendingBytes = 30 * MiB;
  expect(refusal("set", 60 * MiB)).toBe(errors.diskFull);
  expect(refusal("set", 30 * MiB)).toBeNull();
});

it("a disk that has no room for a write that was asked for is low, for as long as it is asked for", async () => {
  const { guard, refusal } = guarded();
  await guard.check();
  expect(guard.isDiskLow).toBe(false);
  expect(refusal("set", 100 * MiB)).toBe(errors.diskFull);
  await guard.check();
  expect(guard.isDiskLow).toBe(true);
  await guard.check();
  expect(guard.isDiskLow).toBe(false);
});

it("memory that is nearly full refuses likewise, with -OOM", async () => {
  const { memory, guard, refusal, lines } = guarded();
  memory.resident = 3.5 * GiB;
  await guard.check();
  expect(refusal("set")).toBe(errors.memoryFull);
  expect(errors.memoryFull.text).toMatch(/^OOM /);
  expect(refusal("del")).toBeNull();
  expect(lines).toEqual([expect.stringContaining("memory is nearly full")]);
});

it("what entries of a turn have claimed counts for the next write", async () => {
  const { disk, guard, refusal, state } = guarded();
  disk.total = 100 * GiB;
  disk.free = 20 * GiB;
  await guard.check();
  let refused = 0;
  // Each of 100 bytes makes a checkpoint larger by as much as 64 MiB.
  for (; refusal("copy") === null && refused < 1_000; refused++) {
    state.claimed += 64 * MiB;
    guard.turned();
  }
  expect(refused).toBeLessThan(400);
});
