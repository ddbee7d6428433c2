// A node whose disk hangs does not go on leading, and says to its clients that it cannot serve them.

import { describe, expect, it } from "vitest";
import { leaderWaitMs } from "../../../src/constants.ts";
import { errors } from "../../../src/resp/errors.ts";
import { ok } from "../../../src/resp/reply.ts";
import { ReplicaCluster, VirtualClient, type VirtualNode } from "../../support/replica-cluster.ts";

/** From now on no save of the node completes. Returns what makes its disk answer again. */
function hang(node: VirtualNode): () => void {
  const flush = node.log.flush.bind(node.log);
  const work = node.work.bind(node);
  node.log.flush = () => {};
  // What hangs is no work: else the cluster would wait for it without letting time pass.
  node.work = () => node.wantsTurn && work();
  return () => {
    node.log.flush = flush;
    node.work = work;
  };
}

function threeNodes() {
  const cluster = new ReplicaCluster(3);
  const leader = cluster.elect();
  const [other] = cluster.nodes.filter((node) => node !== leader) as [VirtualNode];
  return { cluster, leader, other, writer: new VirtualClient(leader) };
}

describe("a leader whose disk hangs", () => {
  it("hands over within three seconds, and writes elsewhere go on", () => {
    const { cluster, leader, other, writer } = threeNodes();
    hang(leader);
    writer.send("SET", "a", "1");
    cluster.run(3_000);
    expect(cluster.leader).not.toBe(leader);
    const elsewhere = new VirtualClient(other);
    elsewhere.send("SET", "b", "1");
    cluster.run(500);
    elsewhere.send("GET", "a");
    cluster.run(500);
    expect(elsewhere.replies).toEqual([ok, "1"]);
  });

  it("answers its clients: an unknown outcome for what is under way, a definite error for what comes", () => {
    const { cluster, leader, other, writer } = threeNodes();
    hang(leader);
    writer.send("SET", "a", "1");
    cluster.run(leaderWaitMs + 1_000);
    expect(writer.replies).toEqual([errors.unknownOutcome]);
    const late = new VirtualClient(leader);
    late.send("SET", "late", "1");
    cluster.run(100);
    late.send("GET", "a");
    cluster.run(100);
    expect(late.replies).toEqual([errors.diskHangs, errors.diskHangs]);
    const elsewhere = new VirtualClient(other);
    elsewhere.send("GET", "late");
    cluster.run(1_000);
    expect(elsewhere.replies).toEqual([null]);
  });

  it("serves again when the disk does, with all that was written meanwhile", () => {
    const { cluster, leader, other, writer } = threeNodes();
    const mend = hang(leader);
    writer.send("SET", "a", "1");
    cluster.run(leaderWaitMs + 1_000);
    const elsewhere = new VirtualClient(other);
    elsewhere.send("SET", "b", "2");
    cluster.run(1_000);
    mend();
    cluster.run(3_000);
    const reader = new VirtualClient(leader);
    reader.send("GET", "a");
    reader.send("GET", "b");
    reader.send("SET", "c", "3");
    cluster.run(1_000);
    expect(reader.replies).toEqual(expect.arrayContaining(["1", "2", ok]));
  });
});
