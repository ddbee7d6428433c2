// Long reads on whole nodes in virtual time: the state stands still, consensus does not.

import { describe, expect, it } from "vitest";
import { appendBytesMax, electionTicksMin, tickMs } from "../../../src/constants.ts";
import { frameKind } from "../../../src/node/frames.ts";
import { LongArray, ok, type Reply } from "../../../src/resp/reply.ts";
import {
  ReplicaCluster,
  stepUntil,
  VirtualClient,
  type VirtualNode,
  workAndPass,
} from "../../support/replica-cluster.ts";

/** Of KEYS: one step looks at about 1,000 keys, and here every step takes longer than a slice. */
const keyCount = 20_000;
const stepMs = 10;

interface Scene {
  readonly cluster: ReplicaCluster;
  readonly leader: VirtualNode;
  readonly follower: VirtualNode;
}

function threeNodes(): Scene {
  const cluster = new ReplicaCluster(3);
  const leader = cluster.elect();
  const follower = cluster.nodes.find((node) => node !== leader) as VirtualNode;
  const loader = new VirtualClient(leader);
  for (let from = 0; from < keyCount; from += 1_000) {
    const pairs = Array.from({ length: 1_000 }, (_, at) => [`key:${from + at}`, "v"]);
    loader.send("MSET", ...pairs.flat());
  }
  cluster.settle();
  cluster.workMs = stepMs;
  return { cluster, leader, follower };
}

/** Sends KEYS and goes on until it is paused for the first time. */
function beginKeys(cluster: ReplicaCluster, node: VirtualNode): VirtualClient {
  const reader = new VirtualClient(node);
  reader.send("KEYS", "*");
  stepUntil(cluster, () => node.machine.keyspace.reading);
  expect(reader.replies).toEqual([]);
  return reader;
}

const countOf = (reply: Reply | undefined): number =>
  Array.isArray(reply) || reply instanceof LongArray ? reply.length : -1;

describe("while a long read is under way", () => {
  it("the state of its node stands still, and writes are acknowledged on the others", () => {
    const { cluster, leader, follower } = threeNodes();
    const reader = beginKeys(cluster, leader);
    const { appliedIndex } = leader.machine;
    const writer = new VirtualClient(follower);
    writer.send("SET", "later", "v");
    stepUntil(cluster, () => writer.replies.length === 1);
    expect(writer.replies).toEqual([ok]);
    expect(leader.replica.driver.core.commit).toBeGreaterThan(appliedIndex);
    expect([leader.machine.appliedIndex, reader.replies]).toEqual([appliedIndex, []]);
    cluster.settle();
    // The read is one step: it saw nothing of what was written after it had begun.
    expect(countOf(reader.replies[0])).toBe(keyCount);
    expect(leader.machine.appliedIndex).toBe(leader.replica.driver.core.commit);
    reader.send("KEYS", "*");
    cluster.settle();
    expect(countOf(reader.replies[1])).toBe(keyCount + 1);
  });

  it("a later read waits, and sees every write that was acknowledged before it came", () => {
    const { cluster, leader, follower } = threeNodes();
    const long = beginKeys(cluster, leader);
    const writer = new VirtualClient(follower);
    writer.send("SET", "key:0", "new");
    stepUntil(cluster, () => writer.replies.length === 1);
    const reader = new VirtualClient(leader);
    reader.send("GET", "key:0");
    cluster.step();
    expect([long.replies, reader.replies]).toEqual([[], []]);
    cluster.settle();
    expect(reader.replies).toEqual(["new"]);
  });

  it("a session's own reads are answered after it, in their order", () => {
    const { cluster, follower } = threeNodes();
    const reader = beginKeys(cluster, follower);
    reader.send("GET", "key:1");
    cluster.step();
    reader.send("EXISTS", "key:1", "none");
    cluster.settle();
    expect(reader.replies.slice(1)).toEqual(["v", 1]);
    expect(countOf(reader.replies[0])).toBe(keyCount);
  });

  it("writes of its own node are sent once, and answered when it has ended", () => {
    const { cluster, leader, follower } = threeNodes();
    const reader = beginKeys(cluster, follower);
    const writer = new VirtualClient(follower);
    let forwards = 0;
    cluster.passes = ({ kind }) => {
      if (kind === frameKind.forward) forwards++;
      return true;
    };
    const { commit } = leader.replica.driver.core;
    writer.send("INCR", "counter");
    stepUntil(cluster, () => leader.replica.driver.core.commit > commit);
    // Long enough for a pending write to be taken for lost.
    for (let seconds = 0; seconds < 6; seconds++) {
      cluster.nowMs += 1_000;
      follower.replica.tick();
    }
    expect([reader.replies, writer.replies]).toEqual([[], []]);
    cluster.settle();
    expect(countOf(reader.replies[0])).toBe(keyCount);
    expect([writer.replies, forwards]).toEqual([[1], 1]);
  });

  it("its client may go: the state moves on at once", () => {
    const { cluster, leader, follower } = threeNodes();
    const reader = beginKeys(cluster, leader);
    reader.isGone = true;
    const writer = new VirtualClient(follower);
    writer.send("SET", "later", "v");
    stepUntil(cluster, () => leader.machine.keyspace.database(0).size > keyCount);
    cluster.settle();
    expect(reader.replies).toEqual([]);
  });

  it("no entry is applied: that would be our own bug", () => {
    const { cluster, leader } = threeNodes();
    beginKeys(cluster, leader);
    const { machine } = leader;
    expect(() => machine.pass(machine.appliedIndex + 1)).toThrow("the state stands still");
  });
});

it("a long read that meets a key which is due is answered by log time, after a tick", () => {
  const { cluster, leader, follower } = threeNodes();
  const client = new VirtualClient(leader);
  client.send("SET", "mortal", "v", "PX", "1000");
  cluster.settle();
  cluster.nowMs += 1_001;
  const readers = [leader, follower].map((node) => new VirtualClient(node));
  for (const reader of readers) reader.send("KEYS", "*");
  cluster.settle();
  for (const reader of readers) expect(countOf(reader.replies[0])).toBe(keyCount);
  for (const { machine } of cluster.nodes) expect(machine.logTimeMs).toBe(cluster.nowMs);
});

it("many entries are applied over many turns, so that messages are answered in between", () => {
  const { cluster, leader, follower } = threeNodes();
  follower.crash();
  const writer = new VirtualClient(leader);
  const entries = 10;
  for (let n = 0; n < entries; n++) {
    writer.send("SET", `large:${n}`, "x".repeat(appendBytesMax));
    cluster.settle();
  }
  follower.start();
  const { machine } = follower;
  for (let ticks = 0; machine.appliedIndex < 3; ticks++) {
    if (ticks > 1_000) throw new Error("it hears of nothing");
    cluster.nowMs += tickMs;
    leader.replica.tick();
    cluster.step();
  }
  let most = 0;
  for (let before = machine.appliedIndex; cluster.step(); before = machine.appliedIndex) {
    most = Math.max(most, machine.appliedIndex - before);
  }
  expect(machine.appliedIndex).toBe(leader.machine.appliedIndex);
  expect(most).toBe(1);
});

it("a leader keeps its term through a read that takes many election timeouts", () => {
  const { cluster, leader } = threeNodes();
  const { term } = leader.replica.driver.core;
  const reader = new VirtualClient(leader);
  const reads = 10;
  for (let n = 0; n < reads; n++) reader.send("KEYS", "*");
  const startMs = cluster.nowMs;
  for (let turns = 0; reader.replies.length < reads; turns++) {
    if (turns > 5_000) throw new Error(`${reader.replies.length} replies`);
    workAndPass(cluster, leader);
  }
  expect(cluster.nowMs - startMs).toBeGreaterThan(4 * electionTicksMin * tickMs);
  for (const { replica } of cluster.nodes) expect(replica.driver.core.term).toBe(term);
  expect(leader.replica.driver.isLeader).toBe(true);
});
