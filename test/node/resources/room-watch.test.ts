import { describe, expect, it } from "vitest";
import { roomWordChecks, scarceBytes } from "../../../src/constants.ts";
import { plenty, type Room } from "../../../src/node/resources/room.ts";
import { RoomWatch } from "../../../src/node/resources/room-watch.ts";
import { asNode, type Membership, type NodeId } from "../../../src/raft/core/types.ts";

const one = asNode(1);
const two = asNode(2);
const three = asNode(3);
const none: Room = { growth: 0, any: 0 };
const scarce = (growth: number, any = growth): Room => ({ growth, any });

function membership(voters: readonly NodeId[], learners: readonly NodeId[] = []): Membership {
  const member = (voter: boolean) => (id: NodeId) => ({ id, voter, address: "" });
  return {
    members: [...voters.map(member(true)), ...learners.map(member(false))],
    nextId: asNode(9),
  };
}

function watched(own: Room = plenty) {
  const state = { own };
  return { watch: new RoomWatch(one, () => state.own), state };
}

describe("writes are refused", () => {
  const all = membership([one, two, three]);

  it("not because of one node alone, be it the leader; it is known to be full", () => {
    const { watch } = watched(none);
    expect(watch.refuses(all, 1, true)).toBe(false);
    expect([one, two].map((node) => watch.isLow(node))).toEqual([true, false]);
  });

  it("while no majority of voters has room", () => {
    const { watch } = watched();
    watch.told(two, none);
    expect(watch.refuses(all, 1, true)).toBe(false);
    watch.told(three, none);
    expect(watch.refuses(all, 1, true)).toBe(true);
  });

  it("when they are larger than the room that a majority has, though every voter has as many under way", () => {
    const alone = membership([one]);
    const { watch } = watched(scarce(100));
    expect(watch.refuses(alone, 99, true)).toBe(false);
    expect(watch.refuses(alone, 100, true)).toBe(true);
    watch.told(two, scarce(60));
    expect(watch.refuses(membership([one, two]), 29, true)).toBe(false);
    expect(watch.refuses(membership([one, two]), 30, true)).toBe(true);
  });

  it("later when they do not make the state grow", () => {
    const { watch } = watched(scarce(0, 10));
    expect(watch.refuses(membership([one]), 9, true)).toBe(true);
    expect(watch.refuses(membership([one]), 9, false)).toBe(false);
    expect(watch.refuses(membership([one]), 10, false)).toBe(true);
  });

  it("not because of a learner, and of half the voters of four already", () => {
    const { watch } = watched();
    const four = asNode(4);
    watch.told(three, none);
    expect(watch.refuses(membership([one, two], [three]), 1, true)).toBe(false);
    watch.told(four, none);
    expect(watch.refuses(membership([one, two, three, four]), 1, true)).toBe(true);
  });

  it("no longer because of a node that does not say so again, its last word being lost", () => {
    const { watch } = watched();
    watch.told(two, none);
    watch.told(three, none);
    for (let checks = 0; checks < roomWordChecks; checks++) watch.check();
    expect(watch.refuses(all, 1, true)).toBe(true);
    watch.told(two, none);
    watch.check();
    expect(watch.refuses(all, 1, true)).toBe(false);
    expect([two, three].map((node) => watch.isLow(node))).toEqual([true, false]);
  });

  it("no longer because of a node that cannot be heard any more, or has room again", () => {
    const { watch } = watched();
    watch.told(two, none);
    watch.told(three, none);
    watch.disconnected(three);
    expect(watch.refuses(all, 1, true)).toBe(false);
    watch.told(three, none);
    watch.told(two, scarce(scarceBytes));
    expect(watch.refuses(all, 1, true)).toBe(false);
    expect(watch.isAnyScarce).toBe(true);
    watch.told(three, plenty);
    expect(watch.isAnyScarce).toBe(false);
  });
});
