import { describe, expect, it } from "vitest";
import { diskFloorBytes, diskFloorShare, diskWordChecks } from "../../../src/constants.ts";
import { DiskWatch, diskFloor, logShare } from "../../../src/node/directory/disk-space.ts";
import { asNode, type Membership, type NodeId } from "../../../src/raft/core/types.ts";

const GiB = 2 ** 30;
const one = asNode(1);
const two = asNode(2);
const three = asNode(3);

function membership(voters: readonly NodeId[], learners: readonly NodeId[] = []): Membership {
  const member = (voter: boolean) => (id: NodeId) => ({ id, voter, address: "" });
  return {
    members: [...voters.map(member(true)), ...learners.map(member(false))],
    nextId: asNode(9),
  };
}

function watched(self: NodeId) {
  const said: string[] = [];
  const disk = { total: 100 * GiB, free: 50 * GiB };
  const watch = new DiskWatch(self, {
    measure: () => Promise.resolve({ ...disk }),
    tell: (isLow) => said.push(isLow ? "low" : "free"),
    warn: (line) => said.push(line),
  });
  return { watch, disk, said };
}

describe("the floor", () => {
  it("is a named size on a large disk and a named share of a small one", () => {
    expect(diskFloor({ total: 100 * GiB, free: 0 })).toBe(diskFloorBytes);
    expect(diskFloor({ total: GiB, free: 0 })).toBe(GiB * diskFloorShare);
  });

  it("is reported once when it is passed, and once when there is space again", async () => {
    const { watch, disk, said } = watched(one);
    await watch.check();
    expect(said).toEqual([]);
    disk.free = diskFloorBytes - 1;
    await watch.check();
    await watch.check();
    expect(said).toEqual([expect.stringContaining("nearly full"), "low", "low"]);
    said.length = 0;
    disk.free = diskFloorBytes;
    await watch.check();
    await watch.check();
    expect(said).toEqual([expect.stringContaining("space again"), "free"]);
  });
});

it("a log may take a share of a small disk, so that it does not fill it by itself", () => {
  expect(logShare({ total: 64 * 2 ** 20, free: 0 })).toBe(4 * 2 ** 20);
  expect(logShare({ total: 0, free: 0 })).toBe(Number.POSITIVE_INFINITY);
});

describe("writes are refused", () => {
  const all = membership([one, two, three]);

  it("not because of one node alone, be it the leader; it is known to be full", async () => {
    const { watch, disk } = watched(one);
    disk.free = 0;
    await watch.check();
    expect(watch.refusesWrites(all)).toBe(false);
    expect([one, two].map((node) => watch.isLow(node))).toEqual([true, false]);
  });

  it("while no majority of voters has space", () => {
    const { watch } = watched(one);
    watch.told(two, true);
    expect(watch.refusesWrites(all)).toBe(false);
    watch.told(three, true);
    expect(watch.refusesWrites(all)).toBe(true);
  });

  it("not because of a learner, and of half the voters of four already", () => {
    const { watch } = watched(one);
    const four = asNode(4);
    watch.told(three, true);
    expect(watch.refusesWrites(membership([one, two], [three]))).toBe(false);
    watch.told(four, true);
    expect(watch.refusesWrites(membership([one, two, three, four]))).toBe(true);
  });

  it("no longer because of a node that does not say so again, its last word being lost", async () => {
    const { watch } = watched(one);
    watch.told(two, true);
    watch.told(three, true);
    for (let checks = 0; checks < diskWordChecks; checks++) await watch.check();
    expect(watch.refusesWrites(all)).toBe(true);
    watch.told(two, true);
    await watch.check();
    expect(watch.refusesWrites(all)).toBe(false);
    expect([two, three].map((node) => watch.isLow(node))).toEqual([true, false]);
  });

  it("no longer because of a node that cannot be heard any more", () => {
    const { watch } = watched(one);
    watch.told(two, true);
    watch.told(three, true);
    watch.disconnected(three);
    expect(watch.refusesWrites(all)).toBe(false);
  });
});
