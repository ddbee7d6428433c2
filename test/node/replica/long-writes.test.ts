// Long writes on whole nodes in virtual time: an entry is half done for many turns, consensus goes on.

import { describe, expect, it } from "vitest";
import { electionTicksMin, tickMs } from "../../../src/constants.ts";
import { ok } from "../../../src/resp/reply.ts";
import {
  ReplicaCluster,
  stepUntil,
  VirtualClient,
  type VirtualNode,
  workAndPass,
} from "../../support/replica-cluster.ts";
import { stateOf } from "../../support/state-log.ts";

/** One step deletes 1,000 keys, and here every step takes longer than a slice. */
const keyCount = 20_000;
const stepMs = 10;
const keys = Array.from({ length: keyCount }, (_, at) => `key:${at}`);

interface Scene {
  readonly cluster: ReplicaCluster;
  readonly leader: VirtualNode;
  readonly follower: VirtualNode;
}

function threeNodes(): Scene {
  const cluster = new ReplicaCluster(3);
  const leader = cluster.elect();
  const follower = cluster.nodes.find((node) => node !== leader) as VirtualNode;
  new VirtualClient(leader).send("MSET", ...keys.flatMap((key) => [key, "v"]));
  cluster.settle();
  cluster.workMs = stepMs;
  return { cluster, leader, follower };
}

/** Sends DEL of all keys by way of a node, and goes on until it is half done there. */
function beginDelete({ cluster }: Scene, node: VirtualNode): VirtualClient {
  const writer = new VirtualClient(node);
  writer.send("DEL", ...keys);
  const { size } = node.machine.keyspace.database(0);
  stepUntil(cluster, () => node.machine.keyspace.database(0).size < size);
  expect([node.machine.isApplying, writer.replies]).toEqual([true, []]);
  return writer;
}

describe("while a long write is half done", () => {
  it("its entry does not count, and later ones are committed and wait", () => {
    const scene = threeNodes();
    const { cluster, leader } = scene;
    const writer = beginDelete(scene, leader);
    const { appliedIndex } = leader.machine;
    const { commit } = leader.replica.driver.core;
    const other = new VirtualClient(leader);
    other.send("SET", "key:0", "new");
    stepUntil(cluster, () => leader.replica.driver.core.commit > commit);
    expect([leader.machine.appliedIndex, writer.replies, other.replies]).toEqual([
      appliedIndex,
      [],
      [],
    ]);
    cluster.settle();
    expect([writer.replies, other.replies]).toEqual([[keyCount], [ok]]);
    for (const { machine } of cluster.nodes) {
      expect(machine.keyspace.database(0).size).toBe(1);
      expect(stateOf(machine)).toEqual(stateOf(leader.machine));
    }
  });

  it("no read sees half of it, whether it asks the leader or reads locally", () => {
    const scene = threeNodes();
    const { cluster, follower } = scene;
    beginDelete(scene, follower);
    const [reader, local] = [new VirtualClient(follower), new VirtualClient(follower)];
    local.readsLocally = true;
    for (const each of [reader, local]) each.send("DBSIZE");
    while (follower.machine.isApplying) {
      expect([reader.replies, local.replies]).toEqual([[], []]);
      cluster.step();
    }
    cluster.settle();
    expect([reader.replies, local.replies]).toEqual([[0], [0]]);
  });

  it("the first writes of its entry are answered, and each of them once, though they are sent again", () => {
    const { cluster, leader, follower } = threeNodes();
    const { size } = follower.machine.keyspace.database(0);
    const writer = new VirtualClient(follower);
    writer.send("INCR", "counter");
    writer.send("DEL", ...keys);
    writer.send("INCR", "counter");
    stepUntil(cluster, () => follower.machine.keyspace.database(0).size < size);
    expect(writer.replies).toEqual([1]);
    follower.replica.connected(leader.id); // Sends again what it has not seen applied as a whole.
    cluster.settle();
    expect(writer.replies).toEqual([1, keyCount, 2]);
    const reader = new VirtualClient(leader);
    reader.send("GET", "counter");
    cluster.settle();
    expect(reader.replies).toEqual(["2"]);
  });

  it("who needs a state at rest gets it when the entry is whole", async () => {
    const scene = threeNodes();
    const { cluster, leader } = scene;
    beginDelete(scene, leader);
    const { appliedIndex } = leader.machine;
    let atRest = 0;
    const still = leader.replica.whenStill().then(() => {
      atRest = leader.machine.appliedIndex;
      expect(leader.machine.isApplying).toBe(false);
    });
    await Promise.resolve();
    expect(atRest).toBe(0);
    cluster.settle();
    await still;
    expect(atRest).toBeGreaterThan(appliedIndex);
  });

  it("a crash loses nothing of it: the log has it whole", () => {
    const scene = threeNodes();
    const { cluster, leader, follower } = scene;
    beginDelete(scene, follower);
    follower.crash();
    follower.start();
    cluster.workMs = 0;
    cluster.run(1_000);
    expect(follower.machine.keyspace.database(0).size).toBe(0);
    expect(stateOf(follower.machine)).toEqual(stateOf(leader.machine));
  });
});

describe("of many small entries that are committed at once", () => {
  /** A follower that has been away is about to be told of them. */
  function behind(): Scene & { readonly before: number } {
    const scene = threeNodes();
    const { cluster, leader, follower } = scene;
    const before = follower.machine.appliedIndex;
    follower.crash();
    const writer = new VirtualClient(leader);
    for (let n = 0; n < 10; n++) {
      writer.send("SET", `small:${n}`, "v");
      cluster.settle();
    }
    follower.start();
    for (let ticks = 0; follower.machine.appliedIndex <= before; ticks++) {
      if (ticks > 1_000) throw new Error("it hears of nothing");
      cluster.nowMs += tickMs;
      leader.replica.tick();
      cluster.step();
    }
    return { ...scene, before };
  }

  it("a turn applies as many as there is time for", () => {
    const { cluster, leader, follower } = behind();
    let most = 0;
    for (let last = follower.machine.appliedIndex; cluster.step(); ) {
      most = Math.max(most, follower.machine.appliedIndex - last);
      last = follower.machine.appliedIndex;
    }
    expect([follower.machine.appliedIndex, most]).toEqual([leader.machine.appliedIndex, 1]);
  });

  it("the rest waits for a read that has come between two of them", () => {
    const { cluster, leader, follower, before } = behind();
    const reader = new VirtualClient(follower);
    reader.readsLocally = true;
    reader.send("KEYS", "*");
    stepUntil(cluster, () => follower.machine.keyspace.reading);
    const { appliedIndex } = follower.machine;
    expect(appliedIndex).toBeLessThan(before + 10);
    while (follower.machine.keyspace.reading) {
      expect(follower.machine.appliedIndex).toBe(appliedIndex);
      cluster.step();
    }
    cluster.settle();
    expect(follower.machine.appliedIndex).toBe(leader.machine.appliedIndex);
    const reply = reader.replies[0] as { readonly length: number };
    expect(reply.length).toBe(keyCount + appliedIndex - before);
  });
});

it("a leader keeps its term through a write that takes many election timeouts", () => {
  const { cluster, leader } = threeNodes();
  const { term } = leader.replica.driver.core;
  const writer = new VirtualClient(leader);
  const writes = 10;
  for (let n = 0; n < writes; n++) writer.send("DEL", ...keys);
  const startMs = cluster.nowMs;
  for (let turns = 0; writer.replies.length < writes; turns++) {
    if (turns > 5_000) throw new Error(`${writer.replies.length} replies`);
    workAndPass(cluster, leader);
  }
  expect(cluster.nowMs - startMs).toBeGreaterThan(4 * electionTicksMin * tickMs);
  for (const { replica } of cluster.nodes) expect(replica.driver.core.term).toBe(term);
  expect(leader.replica.driver.isLeader).toBe(true);
});
