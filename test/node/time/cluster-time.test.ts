// Times to live in whole clusters whose clocks are wrong, jump, or go at another rate.

import { describe, expect, it } from "vitest";
import { ok } from "../../../src/resp/reply.ts";
import { ReplicaCluster, VirtualClient, type VirtualNode } from "../../support/replica-cluster.ts";

const hourMs = 3_600_000;
const yearMs = 365 * 24 * hourMs;

/** How long a new key lives, in ms of true time, seen through a node. */
function lifeOfKey(cluster: ReplicaCluster, node: VirtualNode, ttlMs: number): number {
  const client = new VirtualClient(node);
  client.send("SET", "k", "v", "PX", String(ttlMs));
  for (let waited = 0; client.replies.length === 0 && waited < 5_000; waited += 10) cluster.run(10);
  expect(client.replies).toEqual([ok]);
  for (let lived = 0; lived < 10 * ttlMs; lived += 10) {
    client.replies.length = 0;
    client.send("GET", "k");
    cluster.run(10);
    if (client.replies[0] === null) return lived;
  }
  return Number.POSITIVE_INFINITY;
}

function lead(cluster: ReplicaCluster, node: VirtualNode): void {
  for (let attempt = 0; attempt < 5 && !node.replica.driver.isLeader; attempt++) {
    cluster.leader?.replica.driver.transfer(node.id);
    cluster.run(200);
  }
  expect(node.replica.driver.isLeader).toBe(true);
}

function expectInTime(lifeMs: number, ttlMs: number): void {
  expect(lifeMs).toBeGreaterThanOrEqual(ttlMs / 1.05 - 20);
  expect(lifeMs).toBeLessThanOrEqual(ttlMs / 0.95 + 120);
}

describe("a node whose clock is an hour ahead", () => {
  it("leads, writes and hands back; new keys expire in time during and after that", () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    const wrong = cluster.node(2);
    wrong.wallOffsetMs = hourMs;
    cluster.run(2_000);
    lead(cluster, wrong);
    const client = new VirtualClient(wrong);
    client.send("SET", "first", "1");
    cluster.settle();
    expect(client.replies).toEqual([ok]);
    cluster.run(3_000);
    expect(wrong.replica.driver.isLeader).toBe(false);
    expectInTime(lifeOfKey(cluster, cluster.node(1), 500), 500);
    for (const { machine } of cluster.nodes)
      expect(machine.logTimeMs).toBeLessThan(cluster.nowMs + 200);
  });

  it("goes on leading while no other can", () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    const wrong = cluster.node(2);
    lead(cluster, wrong);
    cluster.node(1).crash();
    cluster.node(3).crash();
    cluster.run(3_000);
    cluster.node(3).start();
    cluster.elect();
    lead(cluster, wrong);
    wrong.wallOffsetMs = hourMs;
    cluster.run(5_000);
    expect(wrong.replica.driver.isLeader).toBe(true);
    expectInTime(lifeOfKey(cluster, wrong, 500), 500);
  });

  it("is shown by RAFT STATUS", () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    cluster.node(2).wallOffsetMs = hourMs;
    cluster.run(1_000);
    const offsets = [1, 2, 3].map((id) =>
      cluster.node(1).replica.time.clockOffsetMs(cluster.node(id).id),
    );
    expect(offsets).toEqual([0, hourMs, 0]);
  });
});

describe("one wrong clock of three", () => {
  const wrongs = [1_000, hourMs, yearMs].flatMap((ms) => [ms, -ms]);

  it.each(wrongs)("that is wrong by %i ms leaves every time to live as it is", (offsetMs) => {
    for (const who of ["leader", "follower"]) {
      const cluster = new ReplicaCluster(3);
      const leader = cluster.elect();
      const other = cluster.nodes.find((node) => node !== leader) as VirtualNode;
      (who === "leader" ? leader : other).wallOffsetMs = offsetMs;
      for (let round = 0; round < 4; round++) {
        expectInTime(lifeOfKey(cluster, cluster.node(1 + (round % 3)), 500), 500);
        cluster.leader?.replica.driver.transfer(cluster.node(1 + (round % 3)).id);
        cluster.run(300);
      }
    }
  });

  it.each([-0.1, 0.1])("that goes faster by %d leaves every time to live as it is", (drift) => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    const wrong = cluster.node(2);
    wrong.wallDrift = drift;
    for (let round = 0; round < 10; round++) {
      lead(cluster, wrong);
      expectInTime(lifeOfKey(cluster, cluster.node(1), 1_000), 1_000);
    }
    cluster.run(10_000);
    expect(wrong.replica.driver.isLeader).toBe(false);
  });

  it("that jumps again and again leaves every time to live as it is", () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    for (const offsetMs of [hourMs, -hourMs, yearMs, 1_500, -yearMs, 0]) {
      lead(cluster, cluster.node(2));
      cluster.node(2).wallOffsetMs = offsetMs;
      expectInTime(lifeOfKey(cluster, cluster.node(2), 500), 500);
    }
    expect(Math.abs(cluster.node(1).machine.logTimeMs - cluster.nowMs)).toBeLessThan(200);
  });
});

describe("a full stop", () => {
  const cases = [
    { size: 1, wrong: 0 },
    { size: 3, wrong: 0 },
    { size: 3, wrong: -hourMs },
    { size: 3, wrong: hourMs },
  ];

  it.each(cases)("of $size nodes counts for every key (one clock wrong by $wrong ms)", (given) => {
    const cluster = new ReplicaCluster(given.size);
    cluster.elect();
    const client = new VirtualClient(cluster.node(1));
    client.send("SET", "k", "v", "EX", "60");
    client.send("SET", "long", "v", "EX", "1200");
    cluster.run(1_000);
    expect(client.replies).toEqual([ok, ok]);
    for (const node of cluster.nodes) node.crash();
    cluster.nowMs += 600_000;
    const last = cluster.nodes.at(-1) as VirtualNode;
    last.wallOffsetMs = given.wrong;
    for (const node of cluster.nodes) node.start();
    cluster.elect();
    const reader = new VirtualClient(cluster.node(1));
    cluster.run(500);
    reader.send("GET", "k");
    reader.send("GET", "long");
    cluster.run(50);
    expect(reader.replies).toEqual([null, "v"]);
  });

  it("shortens no life that begins after it: writes wait until most clocks are known", () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    new VirtualClient(cluster.node(1)).send("SET", "k", "v", "EX", "60");
    cluster.run(1_000);
    for (const node of cluster.nodes) node.crash();
    cluster.nowMs += 600_000;
    let clocksPass = false;
    const clockKind = 13;
    cluster.passes = ({ kind }) => clocksPass || kind !== clockKind;
    for (const node of cluster.nodes) node.start();
    const leader = cluster.elect();
    const client = new VirtualClient(leader);
    client.send("SET", "new", "v", "PX", "5000");
    cluster.run(1_000);
    expect(client.replies).toEqual([]);
    clocksPass = true;
    cluster.run(1_000);
    expect(client.replies).toEqual([ok]);
    client.send("GET", "new");
    cluster.run(50);
    expect(client.replies).toEqual([ok, "v"]);
  });
});

describe("suspended machines", () => {
  it("all of them: the time counts, and a life that begins right after it is not shortened", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const client = new VirtualClient(leader);
    client.send("SET", "old", "v", "EX", "60");
    cluster.run(1_000);
    // Their monotonic clocks stand still meanwhile.
    for (const node of cluster.nodes) node.wallOffsetMs += 600_000;
    client.send("SET", "new", "v", "PX", "5000");
    cluster.run(600);
    client.send("GET", "new");
    client.send("GET", "old");
    cluster.run(50);
    expect(client.replies).toEqual([ok, ok, "v", null]);
  });
});

describe("few voters", () => {
  it("of two with clocks an hour apart either may lead, and keys expire in time", () => {
    const cluster = new ReplicaCluster(2);
    const leader = cluster.elect();
    leader.wallOffsetMs = hourMs;
    cluster.run(5_000);
    expect(cluster.leader).toBe(leader);
    expectInTime(lifeOfKey(cluster, cluster.node(2), 500), 500);
    lead(cluster, cluster.node(leader.id === 1 ? 2 : 1));
    expectInTime(lifeOfKey(cluster, cluster.node(2), 500), 500);
  });

  it("one node whose clock was put back by an hour lets new keys expire in time", () => {
    const cluster = new ReplicaCluster(1);
    const node = cluster.elect();
    new VirtualClient(node).send("SET", "k", "v");
    cluster.run(1_000);
    node.wallOffsetMs = -hourMs;
    expectInTime(lifeOfKey(cluster, node, 3_000), 3_000);
    node.crash();
    node.start();
    cluster.elect();
    expectInTime(lifeOfKey(cluster, node, 3_000), 3_000);
  });
});
