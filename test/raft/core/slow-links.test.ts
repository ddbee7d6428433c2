// A message may be on its way for long, and short messages overtake entries: nothing is sent again meanwhile.

import { describe, expect, test } from "vitest";
import { asNode } from "../../../src/raft/core/types.ts";
import { clusterOf } from "../../support/raft-cluster.ts";
import {
  accepted,
  appendEntries,
  heartbeatReply,
  idOf,
  refused,
} from "../../support/raft-messages.ts";
import { dataEntry, electionTicks, heartbeatTicks, TestNode } from "../../support/raft-node.ts";
import { committedLeader, leader } from "../../support/raft-roles.ts";

const probeBytesMax = 200;
const options = { probeBytesMax };
const large = new Uint8Array(5_000);
const two = (node: TestNode) => node.taken("appendEntries").filter(({ to }) => to === 2);

/** The follower hears every heartbeat and answers it, but gets and acknowledges no entry. */
function waitWithAnswers(node: TestNode, ticks: number): void {
  for (let tick = 0; tick < ticks; tick += 1) {
    node.ticks(1).settle();
    node.core.step(heartbeatReply({ from: 2, term: node.core.term }));
    node.core.step(heartbeatReply({ from: 3, term: node.core.term }));
    node.settle();
  }
}

describe("an entry that is on its way for many election timeouts", () => {
  test("is sent once: what follows it only asks", () => {
    const node = committedLeader(3, [1], { options });
    node.core.propose([large]);
    node.settle();
    waitWithAnswers(node, 20 * electionTicks);
    const sent = two(node);
    expect(sent.filter(({ entries }) => entries.length > 0)).toHaveLength(1);
    expect(node.core.role).toBe("leader");
  });

  test("is asked about at most once per heartbeat interval, and not for each round of reads", () => {
    const node = committedLeader(3, [1], { options });
    node.core.propose([large]);
    node.settle();
    node.take();
    const intervals = 10;
    let asked = 0;
    for (let tick = 0; tick < intervals * heartbeatTicks; tick += 1) {
      for (let round = 0; round < 5; round += 1) {
        node.core.readIndex();
        node.settle();
        const at = node.taken("heartbeat").at(-1)?.round ?? 0;
        for (const from of [2, 3]) node.core.step(heartbeatReply({ from, term: 2, round: at }));
        node.settle();
        asked += two(node).length;
      }
      node.ticks(1).settle();
    }
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(intervals);
  });

  test("is not asked about while the follower goes on acknowledging", () => {
    const node = committedLeader(3, [1], { options });
    for (let index = 3; index < 20; index += 1) {
      node.core.propose([new Uint8Array(1)]);
      node.core.propose([new Uint8Array(1)]);
      node.settle();
      node.core.step(accepted({ from: 2, term: 2, index }));
      waitWithAnswers(node, heartbeatTicks);
      expect(two(node).filter(({ probe }) => probe)).toEqual([]);
    }
  });

  test("is sent once by a new leader too: a large entry waits until it is known where the logs agree", () => {
    const node = leader(3, [1], { options });
    node.core.propose([large]);
    node.settle();
    waitWithAnswers(node, 5 * electionTicks);
    const before = two(node);
    expect(before.flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([2]);
    node.core.step(accepted({ from: 2, term: 2, index: 2 }));
    node.settle();
    waitWithAnswers(node, 5 * electionTicks);
    const after = two(node);
    expect(after.flatMap(({ entries }) => entries.map(({ index }) => index))).toEqual([3]);
  });
});

describe("a probe", () => {
  test("carries no large entry: it may be refused", () => {
    const node = committedLeader(3, [1], { options });
    node.core.propose([large]);
    node.settle();
    node.core.unreachable(asNode(2));
    node.take();
    node.core.step(heartbeatReply({ from: 2, term: 2 }));
    node.settle();
    expect(two(node)).toMatchObject([{ prev: idOf("2/2"), entries: [], probe: true }]);
    node.core.step(accepted({ from: 2, term: 2, index: 2 }));
    node.settle();
    expect(two(node)).toMatchObject([{ prev: idOf("2/2"), entries: [{ index: 3 }] }]);
  });

  test("carries small entries at once, and is repeated without them", () => {
    const node = committedLeader(3, [1], { options });
    node.core.propose([new Uint8Array(5)]);
    node.settle();
    node.core.unreachable(asNode(2));
    node.take();
    node.core.step(heartbeatReply({ from: 2, term: 2 }));
    node.settle();
    expect(two(node)).toMatchObject([{ prev: idOf("2/2"), entries: [{ index: 3 }] }]);
    waitWithAnswers(node, 3 * heartbeatTicks);
    const repeated = two(node);
    expect(repeated.length).toBeGreaterThan(0);
    expect(repeated.every(({ entries, probe }) => probe && entries.length === 0)).toBe(true);
  });

  for (const [cachedFrom, carried] of [
    [1, 3],
    [4, 0],
  ] as const) {
    test(`carries ${carried} of three small entries when those below ${cachedFrom} are on disk alone`, () => {
      const node = leader(3, [1, 1, 1, 1], { options });
      node.take();
      node.log.cachedFrom = cachedFrom;
      node.core.step(refused({ from: 2, term: 2, index: 4, hint: "1/2" }));
      node.settle();
      expect(two(node).map(({ prev, entries }) => [prev.index, entries.length])).toEqual([
        [2, carried],
      ]);
    });
  }
});

test("an entry that was lost is found by the question behind it, and sent again", () => {
  const cluster = clusterOf(3, { options });
  const node = cluster.elect(1);
  cluster.cut(1, 2);
  node.core.propose([large]);
  cluster.deliver();
  cluster.heal();
  cluster.tickAll(3 * heartbeatTicks);
  expect(cluster.node(2).core.last).toEqual(node.core.last);
  expect(cluster.node(2).core.commit).toBe(node.core.commit);
});

test("an entry of an older term that arrives late is no refusal in the newer one", () => {
  const node = new TestNode({ id: 1, term: 5, log: [1, 1] });
  node.core.step(appendEntries({ from: 2, term: 4, prev: "1/9", entries: [dataEntry(10, 4)] }));
  node.settle();
  expect(node.take()).toMatchObject([{ type: "heartbeatReply", term: 5, round: 0 }]);
});

describe("a commit index", () => {
  test("is told without asking for an answer, and gets none", () => {
    const node = committedLeader(3);
    node.core.propose([new Uint8Array(1)]);
    node.settle();
    node.take();
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    node.settle();
    expect(node.taken("appendEntries")).toMatchObject([
      { to: 2, commit: 3, entries: [], probe: false },
      { to: 3, commit: 3, entries: [], probe: false },
    ]);
    const follower = new TestNode({ id: 1, log: [1, 1] });
    follower.core.step(appendEntries({ from: 2, term: 1, prev: "1/2", commit: 2 }));
    follower.settle();
    expect(follower.core.commit).toBe(2);
    expect(follower.taken("appendReply")).toEqual([]);
    follower.core.step(appendEntries({ from: 2, term: 1, prev: "1/1", commit: 2 }));
    follower.settle();
    expect(follower.taken("appendReply")).toEqual([]);
    for (const prev of ["1/2", "1/1"]) {
      follower.core.step(appendEntries({ from: 2, term: 1, prev, commit: 2, probe: true }));
      follower.settle();
      expect(follower.taken("appendReply")).toMatchObject([{ index: 2, hint: null }]);
    }
  });

  test("a write on three nodes is six messages: entry, acknowledgement and commit, for two followers", () => {
    const cluster = clusterOf(3);
    const node = cluster.elect(1);
    cluster.deliver();
    const types: string[] = [];
    cluster.onDeliver(({ type }) => types.push(type));
    node.core.propose([new Uint8Array(1)]);
    cluster.deliver();
    expect(types.toSorted()).toEqual([
      ...Array.from({ length: 4 }, () => "appendEntries"),
      ...Array.from({ length: 2 }, () => "appendReply"),
    ]);
  });
});
