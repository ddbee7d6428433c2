// A disk that does not come back from a save: its node hands leadership over and does not lead again meanwhile.

import { expect, test } from "vitest";
import { slowDiskBytesPerTick } from "../../../src/constants.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { clusterOf, type TestCluster } from "../../support/raft-cluster.ts";
import { accepted, heartbeatReply, timeoutNow } from "../../support/raft-messages.ts";
import { electionTicks, heartbeatTicks, type TestNode } from "../../support/raft-node.ts";
import { committedLeader } from "../../support/raft-roles.ts";

const hungTicks = 2 * electionTicks;
const value = new Uint8Array(1);

/** Node 1 of three leads, and its disk hangs in the save of an entry that the others have. */
function hungLeader(): TestCluster {
  const random = [0.1, 0.5, 0.9];
  const cluster = clusterOf(0);
  for (const id of [1, 2, 3]) cluster.add({ id, voters: 3, random: () => random[id - 1] ?? 0 });
  cluster.elect(1);
  cluster.tickAll(heartbeatTicks);
  cluster.held.add(1);
  cluster.node(1).core.propose([value]);
  cluster.deliver();
  expect(cluster.node(1).core.savingTicks).toBe(0);
  return cluster;
}

test("a leader whose save hangs for two election timeouts hands over to a member that has everything", () => {
  const cluster = hungLeader();
  cluster.tickAll(hungTicks);
  expect(cluster.leader?.id).toBe(1);
  expect(cluster.node(1).core.savingTicks).toBe(hungTicks);
  cluster.tickAll(2);
  expect(cluster.node(1).core.role).toBe("follower");
  expect(cluster.leader?.id).not.toBe(1);
  const { leader } = cluster;
  const ids = leader?.core.propose([value]);
  cluster.deliver();
  expect(leader?.core.commit).toBe(ids?.[0]?.index);
});

test("it does not lead again while the save hangs, and disturbs no term", () => {
  const cluster = hungLeader();
  cluster.tickAll(hungTicks + 2);
  const { leader } = cluster;
  const term = leader?.core.term;
  cluster.tickAll(20 * electionTicks);
  expect(cluster.leader).toBe(leader);
  expect(leader?.core.term).toBe(term);
  for (const id of [2, 3]) cluster.down.add(id);
  cluster.tickAll(5 * electionTicks);
  expect(cluster.node(1).core.role).toBe("follower");
  cluster
    .node(1)
    .core.step(timeoutNow({ from: cluster.node(1).core.leader ?? 2, term: term ?? 0 }));
  cluster.node(1).core.campaign();
  expect(cluster.node(1).core).toMatchObject({ role: "follower", term });
});

test("it takes part again when the disk comes back", () => {
  const cluster = hungLeader();
  cluster.tickAll(hungTicks + 2);
  const heir = cluster.leader;
  cluster.held.clear();
  cluster.tickAll(heartbeatTicks);
  expect(cluster.node(1).core.savingTicks).toBe(0);
  expect(cluster.node(1).core.last).toEqual(heir?.core.last);
  expect(cluster.node(1).core.commit).toBe(heir?.core.commit);
  expect(heir?.core.transfer(asNode(1))).toBeNull();
  cluster.tickAll(2);
  expect(cluster.leader?.id).toBe(1);
});

/** A leader of three whose save hangs, after `ticks` in which the members of `alive` answered heartbeats. */
function hangs(ticks: number, alive: readonly number[], has: readonly number[]): TestNode {
  const node = committedLeader(3);
  node.core.propose([value]);
  node.pump();
  for (const from of has) node.core.step(accepted({ from, term: 2, index: 3 }));
  for (let tick = 0; tick < ticks && node.core.role === "leader"; tick += 1) {
    for (const from of alive) node.core.step(heartbeatReply({ from, term: 2 }));
    node.ticks(1).pump();
  }
  return node;
}

test("nothing changes while no other majority lives: its vote would hang as well", () => {
  const node = hangs(5 * electionTicks, [2], [2]);
  expect(node.core).toMatchObject({ role: "leader", hasHandedOver: false });
  expect(node.core.propose([value])).toHaveLength(1);
});

test("a member that lags is waited for, without proposals, and given up after an election timeout", () => {
  const node = hangs(hungTicks + 1, [2, 3], []);
  expect(node.core.hasHandedOver).toBe(false);
  expect(node.core.propose([value])).toBeNull();
  for (let tick = 0; tick < electionTicks; tick += 1) {
    for (const from of [2, 3]) node.core.step(heartbeatReply({ from, term: 2 }));
    node.ticks(1);
  }
  expect(node.core.propose([value])).toHaveLength(1);
  for (const from of [2, 3]) node.core.step(accepted({ from, term: 2, index: 4 }));
  for (let tick = 0; tick < hungTicks; tick += 1) {
    for (const from of [2, 3]) node.core.step(heartbeatReply({ from, term: 2 }));
    node.ticks(1).pump();
  }
  expect(node.core.hasHandedOver).toBe(true);
});

test("a disk that is only slow changes nothing", () => {
  const node = committedLeader(3);
  for (let tick = 0; tick < 10 * electionTicks; tick += 1) {
    node.core.propose([value]);
    node.pump();
    for (const from of [2, 3])
      node.core.step(accepted({ from, term: 2, index: node.core.last.index }));
    if (tick % electionTicks === 0) node.finishSave();
    for (const from of [2, 3]) node.core.step(heartbeatReply({ from, term: 2 }));
    node.ticks(1);
  }
  expect(node.core).toMatchObject({ role: "leader", hasHandedOver: false });
});

test("a leader whose late save comes back after all stays, and takes proposals again", () => {
  const cluster = clusterOf(0);
  const random = [0.1, 0.5, 0.9];
  for (const id of [1, 2, 3]) cluster.add({ id, voters: 3, random: () => random[id - 1] ?? 0 });
  cluster.elect(1);
  cluster.tickAll(heartbeatTicks);
  for (const id of [1, 2, 3]) cluster.held.add(id);
  cluster.node(1).core.propose([value]);
  cluster.deliver();
  cluster.tickAll(hungTicks + 2);
  cluster.held.delete(1);
  cluster.tickAll(1);
  expect(cluster.node(1).core.propose([value])).not.toBeNull();
  cluster.held.clear();
  cluster.tickAll(3);
  expect(cluster.leader?.id).toBe(1);
});

test("a save may take as long as a slow disk needs for its bytes", () => {
  const bytes = 10 * slowDiskBytesPerTick;
  const node = committedLeader(3);
  node.core.propose([new Uint8Array(bytes)]);
  node.core.ready();
  node.ticks(hungTicks + 10);
  expect(node.core.savingTicks).toBe(hungTicks);
  expect(node.core.hasHandedOver).toBe(false);
});
