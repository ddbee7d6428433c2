// Whole nodes in one thread: forwarding, exactly-once, reads, expiry, what happens without a leader.

import { describe, expect, it } from "vitest";
import { frameKind } from "../../../src/node/frames.ts";
import { asNode } from "../../../src/raft/core/types.ts";
import { errors } from "../../../src/resp/errors.ts";
import { ok } from "../../../src/resp/reply.ts";
import { isConsensus } from "../../support/consensus-frames.ts";
import { ReplicaCluster, VirtualClient } from "../../support/replica-cluster.ts";

const followerOf = (cluster: ReplicaCluster) => {
  const leader = cluster.leader?.id;
  const follower = cluster.nodes.find(({ id, isUp }) => isUp && id !== leader);
  if (follower === undefined) throw new Error("no follower");
  return follower;
};

/** By a crash in even rounds, early or late; else, or when node 1 leads, by a transfer. */
function changeLeader(cluster: ReplicaCluster, round: number): void {
  const { leader } = cluster;
  if (leader === undefined) return;
  if (leader.id !== 1 && round % 2 === 0) {
    if (round % 4 === 0) cluster.run(10);
    leader.crash();
    cluster.run(1_500);
    leader.start();
    return;
  }
  const target = cluster.nodes.find(({ id }) => id !== leader.id);
  void leader.replica.admin.ask({ verb: "transfer", id: target?.id ?? null });
}

describe("a cluster of one", () => {
  it("acknowledges a write only after its own disk has it", () => {
    const cluster = new ReplicaCluster(1);
    const node = cluster.elect();
    const client = new VirtualClient(node);
    client.send("SET", "name", "ashu");
    node.replica.turn();
    expect(node.log.saving).toBe(true);
    expect(client.replies).toEqual([]);
    cluster.settle();
    expect(client.replies).toEqual([ok]);
  });

  it("has every acknowledged write again after a crash", () => {
    const cluster = new ReplicaCluster(1);
    const node = cluster.elect();
    const before = new VirtualClient(node);
    before.send("SET", "name", "ashu");
    cluster.settle();
    node.crash();
    node.start();
    cluster.elect();
    const after = new VirtualClient(node);
    after.send("GET", "name");
    cluster.settle();
    expect(after.replies).toEqual(["ashu"]);
  });
});

describe("three nodes", () => {
  it("answer a client of a follower from that follower's own apply", () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    const client = new VirtualClient(followerOf(cluster));
    client.send("SET", "a", "1");
    client.send("INCR", "a");
    cluster.settle();
    client.send("GET", "a");
    cluster.settle();
    expect(client.replies).toEqual([ok, 2, "2"]);
  });

  it("apply a write once although it was sent to two leaders", () => {
    const cluster = new ReplicaCluster(3);
    const old = cluster.elect();
    const follower = followerOf(cluster);
    const client = new VirtualClient(follower);
    // The leader orders the write and its majority has it, but nobody hears that it is committed.
    cluster.passes = ({ from, to, kind }) => !isConsensus(kind) || from === old.id || to !== old.id;
    client.send("INCR", "counter");
    cluster.settle();
    expect(client.replies).toEqual([]);
    old.crash();
    cluster.passes = () => true;
    cluster.elect();
    cluster.settle();
    expect(client.replies).toEqual([1]);
    client.send("GET", "counter");
    cluster.settle();
    expect(client.replies).toEqual([1, "1"]);
  });

  it("order no write behind one that the leader has refused", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const origin = followerOf(cluster);
    const heir = cluster.nodes.find((node) => node !== leader && node !== origin);
    const client = new VirtualClient(origin);
    // The leader hands over to a node that does not hear it, and takes nothing meanwhile; nobody hears that.
    let areToldOfRefusals = false;
    cluster.passes = ({ from, to, kind }) =>
      from !== heir?.id && to !== heir?.id && (kind !== frameKind.refused || areToldOfRefusals);
    leader.replica.driver.transfer(asNode(heir?.id ?? 0));
    client.send("INCR", "counter");
    cluster.settle();
    cluster.run(600);
    client.send("INCR", "counter");
    cluster.settle();
    expect(client.replies, "the second write waits for the first").toEqual([]);
    areToldOfRefusals = true;
    cluster.run(6_000);
    expect(client.replies).toEqual([1, 2]);
  });

  it("end one of them that no longer has what it acknowledged, with a line that says what to do", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const follower = followerOf(cluster);
    const client = new VirtualClient(leader);
    for (let each = 0; each < 5; each++) {
      client.send("INCR", "counter");
      cluster.settle();
    }
    follower.crash();
    follower.loseEntries(2);
    follower.start();
    cluster.run(1_000);
    expect(follower.failure?.message).toMatch(
      /^this node has acknowledged entry \d+, and its log ends at entry \d+: .*let it join anew/,
    );
    expect(leader.failure).toBeNull();
  });

  it("keep a client's replies in order and its effects single through many changes of leader", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const cluster = new ReplicaCluster(3, seed);
      cluster.elect();
      const client = new VirtualClient(cluster.node(1));
      for (let round = 0; round < 8; round++) {
        for (let each = 0; each < 10; each++) client.send("INCR", "counter");
        changeLeader(cluster, round);
        cluster.run(1_500);
      }
      cluster.elect();
      cluster.run(5_000);
      const expected = Array.from({ length: 80 }, (_, at) => at + 1);
      expect(client.replies, `seed ${seed}`).toEqual(expected);
    }
  });

  it("serve no read and acknowledge no write in a minority", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const client = new VirtualClient(leader);
    client.send("SET", "a", "old");
    cluster.settle();
    cluster.passes = ({ from, to }) => from !== leader.id && to !== leader.id;
    const reader = new VirtualClient(leader);
    client.send("SET", "a", "new");
    reader.send("GET", "a");
    cluster.run(5_000);
    expect(client.replies).toEqual([ok]);
    expect(reader.replies).toEqual([]);
    cluster.run(10_000);
    expect(client.replies).toEqual([ok, errors.unknownOutcome]);
    expect(reader.replies).toEqual([errors.clusterDown]);
  });

  it("answer a client that said READONLY in a minority too, with what was applied there, and writes as ever", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const client = new VirtualClient(leader);
    client.send("SET", "a", "old");
    cluster.settle();
    cluster.passes = ({ from, to }) => from !== leader.id && to !== leader.id;
    const reader = new VirtualClient(leader);
    reader.readsLocally = true;
    client.send("SET", "a", "new");
    reader.send("GET", "a");
    cluster.run(100);
    expect(reader.replies).toEqual(["old"]);
    cluster.passes = () => true;
    cluster.run(5_000);
    reader.send("GET", "a");
    cluster.run(100);
    expect(reader.replies).toEqual(["old", "new"]);
    expect(client.replies).toEqual([ok, ok]);
  });

  it("refuse for certain what arrives when there has been no leader for long", () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    const node = followerOf(cluster);
    for (const other of cluster.nodes) if (other !== node) other.crash();
    cluster.run(13_000);
    const client = new VirtualClient(node);
    client.send("SET", "a", "1");
    cluster.run(100);
    expect(client.replies).toEqual([errors.clusterDown]);
  });

  it("never show a follower's client an older value than one that was acknowledged", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const follower = followerOf(cluster);
    const writer = new VirtualClient(leader);
    const reader = new VirtualClient(follower);
    writer.send("SET", "a", "1");
    cluster.settle();
    // The follower gets no entries any more, only answers to its questions.
    cluster.passes = ({ to, kind }) => to !== follower.id || !isConsensus(kind);
    writer.send("SET", "a", "2");
    cluster.settle();
    expect(writer.replies).toEqual([ok, ok]);
    reader.send("GET", "a");
    cluster.settle();
    expect(reader.replies).toEqual([]);
    cluster.passes = () => true;
    cluster.run(200);
    expect(reader.replies).toEqual(["2"]);
  });
});

describe("expiry", () => {
  it("is a fact of the log before any read says so, on every node", () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    const clients = cluster.nodes.map((node) => new VirtualClient(node));
    clients[0]?.send("SET", "a", "1", "PX", "1000");
    cluster.settle();
    cluster.nowMs += 1_001;
    for (const client of clients.slice(1)) client.send("GET", "a");
    cluster.settle();
    expect(clients.map(({ replies }) => replies)).toEqual([[ok], [null], [null]]);
    for (const { machine } of cluster.nodes) expect(machine.logTimeMs).toBe(cluster.nowMs);
  });

  it("removes what is due although no request comes", () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    const client = new VirtualClient(cluster.node(1));
    client.send("SET", "a", "1", "PX", "1000");
    cluster.settle();
    cluster.run(2_000);
    for (const { machine } of cluster.nodes) expect(machine.keyspace.database(0).size).toBe(0);
  });

  it("does not bring a key back when the clocks are put back", () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    const follower = followerOf(cluster);
    const client = new VirtualClient(follower);
    client.send("SET", "a", "1", "PX", "1000");
    cluster.settle();
    cluster.nowMs += 1_001;
    client.send("GET", "a");
    cluster.settle();
    leader.crash();
    for (const node of cluster.nodes) node.wallOffsetMs -= 60_000;
    cluster.elect();
    client.send("GET", "a");
    cluster.settle();
    expect(client.replies).toEqual([ok, null, null]);
  });
});
