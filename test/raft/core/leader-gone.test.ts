// A leader whose process is gone: its followers see its port closed, and need no election timeout.

import { describe, expect, test } from "vitest";
import { electionTicksMin, heartbeatTicks } from "../../../src/constants.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { appendEntries, heartbeat, requestVote, voteReply } from "../../support/raft-messages.ts";
import { electionTicks, TestNode } from "../../support/raft-node.ts";
import { Timeline } from "../../support/raft-timeline.ts";

const timing = { heartbeatTicks, electionTicks: electionTicksMin };
const two = asNode(2);

/** Node 1, which follows node 2 in term 1. */
function follower(random: () => number = () => 0, learner = false): TestNode {
  const node = learner
    ? new TestNode({ id: 4, voters: 3, learners: [4], term: 1, random })
    : new TestNode({ id: 1, term: 1, random });
  node.core.step(heartbeat({ from: 2, to: node.id, term: 1 }));
  node.settle();
  node.take();
  return node;
}

/** A cluster of `size` with a leader that everybody follows. */
function electedCluster(seed: number, size: number): Timeline {
  const cluster = new Timeline(seed, size, timing);
  cluster.run(20 * electionTicksMin, () =>
    cluster.nodes.every(({ core }) => core.leader !== null && core.leader === cluster.leader?.id),
  );
  cluster.run(cluster.chance.random() * 100);
  expect(cluster.leader).not.toBeNull();
  return cluster;
}

/** Ticks from when the last follower was told until somebody leads. */
function ticksToElect(seed: number, size: number): number {
  const cluster = electedCluster(seed, size);
  const { leader } = cluster;
  if (leader === null) return Number.POSITIVE_INFINITY;
  cluster.stop(leader);
  let told = 0;
  let lastTold = 0;
  for (const node of cluster.nodes) {
    // A closed port is seen when all that the process sent has arrived.
    cluster.after(0.1 + cluster.chance.random() * 2, () => {
      cluster.call(node, () => node.core.leaderGone(leader.id));
      told += 1;
      lastTold = cluster.now;
    });
  }
  cluster.run(10, () => told === size);
  cluster.run(20 * electionTicksMin, () => cluster.leader !== null);
  return cluster.now - lastTold;
}

describe("every tick matters", () => {
  test("to a follower whose leader's process is gone", () => {
    const node = follower();
    expect(node.core.isHasty).toBe(false);
    node.core.leaderGone(two);
    expect(node.core.isHasty).toBe(true);
  });

  test("to a follower whose leader is silent, until it is heard again", () => {
    const node = follower();
    let ticks = 0;
    for (; !node.core.isHasty; ticks++) node.core.tick();
    expect(node.core.role).toBe("follower");
    expect(ticks).toBeLessThan(electionTicks);
    node.core.step(heartbeat({ from: 2, to: node.id, term: 1 }));
    expect(node.core.isHasty).toBe(false);
  });

  test("to a candidate, and to no leader", () => {
    const cluster = electedCluster(1, 3);
    for (const { core } of cluster.nodes) expect(core.isHasty).toBe(false);
    const node = follower();
    node.core.campaign();
    expect(node.core.isHasty).toBe(true);
  });
});

describe("when the leader's process is gone and all followers know it", () => {
  for (const size of [3, 5]) {
    test(`${size} nodes have the next leader within 5 ticks in nine cases of ten, and soon in all`, () => {
      const ticks = Array.from({ length: 200 }, (_, at) => ticksToElect(at + 1, size));
      ticks.sort((a, b) => a - b);
      expect(ticks.filter((each) => each <= 5).length).toBeGreaterThanOrEqual(180);
      expect(ticks.at(-1)).toBeLessThan(electionTicksMin);
    });
  }
});

test("a report that is wrong on one follower changes neither leader nor term", () => {
  for (let seed = 1; seed <= 100; seed += 1) {
    const cluster = electedCluster(seed, seed % 2 === 0 ? 3 : 5);
    const { leader } = cluster;
    const misled = cluster.nodes.find((node) => node !== leader);
    if (leader === null || misled === undefined) throw new Error("a leader and a follower");
    const { term } = leader.core;
    for (let times = 0; times < 10; times += 1) {
      cluster.call(misled, () => misled.core.leaderGone(leader.id));
      cluster.run(cluster.chance.random() * 20);
    }
    cluster.run(2 * electionTicksMin);
    for (const { core } of cluster.nodes) expect(core).toMatchObject({ leader: leader.id, term });
  }
});

describe("a follower that is told so", () => {
  for (const [chance, ticks] of [
    [0, 1],
    [0.5, 2],
    [0.99, 3],
  ] as const) {
    test(`campaigns with its tick ${ticks}, as chance has it`, () => {
      const node = follower(() => chance);
      node.core.leaderGone(two);
      expect(node.core).toMatchObject({ role: "follower", leader: null });
      node.ticks(ticks - 1);
      expect(node.core.role).toBe("follower");
      node.ticks(1).settle();
      expect(node.core.role).toBe("preCandidate");
      expect(node.taken("requestVote").every(({ pre }) => pre)).toBe(true);
    });
  }

  test("gives its preliminary vote and its vote at once, which it refused before", () => {
    const node = follower();
    const ask = (pre: boolean) =>
      node.core.step(requestVote({ from: 3, term: 2, last: "1/1", pre }));
    ask(true);
    ask(false);
    node.settle();
    expect(node.take()).toEqual([]);
    node.core.leaderGone(two);
    ask(true);
    ask(false);
    node.settle();
    expect(node.taken("voteReply")).toMatchObject([
      { pre: true, granted: true },
      { pre: false, granted: true },
    ]);
  });

  test("repeats a round that nobody answers after a few ticks, in the same term", () => {
    const node = follower();
    node.core.leaderGone(two);
    node.ticks(1).settle();
    node.take();
    node.ticks(2).settle();
    expect(node.taken("requestVote")).toMatchObject([{ pre: true }, { pre: true }]);
    expect(node.core.term).toBe(1);
  });

  test("repeats a round that was refused as soon", () => {
    const node = follower();
    node.core.leaderGone(two);
    node.ticks(1).settle();
    for (const from of [2, 3])
      node.core.step(voteReply({ from, term: 1, granted: false, pre: true }));
    expect(node.core.role).toBe("follower");
    node.ticks(2).settle();
    expect(node.core.role).toBe("preCandidate");
  });

  test("waits longer after an election that it did not win, and each time twice as long", () => {
    const node = new TestNode({ id: 1, term: 1, options: { electionTicks: 50 } });
    node.core.step(heartbeat({ from: 2, term: 1 }));
    node.core.leaderGone(two);
    for (const expected of [1, 4, 8, 16]) {
      let waited = 0;
      for (; node.core.role !== "preCandidate"; waited += 1) node.ticks(1).settle();
      expect(waited).toBe(expected);
      const term = node.core.term + 1;
      node.core.step(voteReply({ from: 3, term, granted: true, pre: true }));
      node.settle();
      expect(node.core).toMatchObject({ role: "candidate", term });
    }
  });

  test("has its usual patience again when an election timeout has passed", () => {
    const node = follower();
    node.core.leaderGone(two);
    node.ticks(electionTicks).settle();
    node.take();
    node.ticks(electionTicks - 1).settle();
    expect(node.take()).toEqual([]);
    node.ticks(1).settle();
    expect(node.taken("requestVote")).toHaveLength(2);
  });

  for (const message of [
    heartbeat({ from: 3, term: 2 }),
    heartbeat({ from: 2, term: 1 }),
    appendEntries({ from: 3, term: 2, prev: "1/1" }),
  ]) {
    test(`has its usual patience again after ${message.type} of term ${message.term}`, () => {
      const node = follower();
      node.core.leaderGone(two);
      node.ticks(1).settle();
      node.core.step(message);
      expect(node.core).toMatchObject({ role: "follower", leader: message.from });
      node.ticks(electionTicks - 1).settle();
      expect(node.core.role).toBe("follower");
      node.ticks(1).settle();
      expect(node.core.role).toBe("preCandidate");
    });
  }

  test("has its usual patience again when the leader is heard before its first round", () => {
    const node = follower(() => 0.5);
    node.core.leaderGone(two);
    node.ticks(1);
    node.core.step(heartbeat({ from: 2, term: 1 }));
    node.ticks(electionTicks * 1.5 - 1).settle();
    expect(node.core).toMatchObject({ role: "follower", leader: 2 });
  });

  test("has its usual patience again when it has voted: that candidate is about to lead", () => {
    const node = follower();
    node.core.leaderGone(two);
    node.core.step(requestVote({ from: 3, term: 2, last: "1/1" }));
    node.ticks(electionTicks - 1).settle();
    expect(node.core.role).toBe("follower");
  });

  test("lets another one go first that it gave its preliminary vote", () => {
    const node = follower();
    node.core.leaderGone(two);
    node.core.step(requestVote({ from: 3, term: 2, last: "1/1", pre: true }));
    node.ticks(1).settle();
    expect(node.core.role).toBe("follower");
    node.ticks(1).settle();
    expect(node.core.role).toBe("preCandidate");
  });
});

describe("the report changes nothing", () => {
  test("when it is of another node than the leader that is followed", () => {
    const node = follower();
    node.core.leaderGone(asNode(3));
    node.ticks(electionTicks - 1).settle();
    expect(node.core).toMatchObject({ role: "follower", leader: 2 });
  });

  test("for a learner, which never campaigns", () => {
    const node = follower(() => 0, true);
    node.core.leaderGone(two);
    node.ticks(5 * electionTicks).settle();
    expect(node.core).toMatchObject({ role: "follower", term: 1 });
  });

  test("for the leader itself", () => {
    const node = new TestNode({ id: 1, voters: 1 });
    node.core.campaign();
    node.settle();
    node.core.leaderGone(node.id);
    expect(node.core).toMatchObject({ role: "leader", leader: 1 });
  });
});
