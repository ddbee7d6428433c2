// What a node asked in a former life is not answered to its present one.

import { describe, expect, it } from "vitest";
import { frameKind } from "../../../src/node/frames.ts";
import { LifeNumbers } from "../../../src/node/life-numbers.ts";
import { decodeMessage } from "../../../src/raft/codec.ts";
import { isConsensus } from "../../support/consensus-frames.ts";
import { ReplicaCluster, VirtualClient, type VirtualNode } from "../../support/replica-cluster.ts";

function threeNodes(): { cluster: ReplicaCluster; leader: VirtualNode; others: VirtualNode[] } {
  const cluster = new ReplicaCluster(3);
  const leader = cluster.elect();
  cluster.settle();
  return { cluster, leader, others: cluster.nodes.filter((node) => node !== leader) };
}

describe("a follower that asks for a read index, dies and comes back", () => {
  it("does not take the answer to its former life's question, which is older than an acknowledged write", () => {
    const { cluster, leader, others } = threeNodes();
    const [reading] = others as [VirtualNode, VirtualNode];
    const writer = new VirtualClient(leader);
    const formerReader = new VirtualClient(reading);
    // The dying node hears nothing any more; the other follower gets the entry and no heartbeat.
    let isDying = true;
    cluster.passes = ({ from, to, kind, body }) => {
      if (from !== leader.id) return true;
      if (to === reading.id) return !isDying;
      const message = isConsensus(kind) ? decodeMessage(body) : null;
      if (message === null || typeof message === "string") return false;
      return message.type === "appendEntries" && message.entries.length > 0;
    };
    writer.send("SET", "x", "new");
    formerReader.send("GET", "x");
    cluster.step(); // The leader appends, the follower asks,
    cluster.step(); // and the leader begins a round: its index is older than the write.
    reading.crash();
    cluster.settle();
    expect(writer.replies).toHaveLength(1);

    reading.start();
    isDying = false;
    const reader = new VirtualClient(reading);
    reader.send("GET", "x");
    cluster.run(60); // Its first answer to a heartbeat confirms the old round.
    cluster.run(2_000);
    expect(reader.replies).toEqual(["new"]);
  });

  it("is not answered by a leader that has seen its connection end", () => {
    const { cluster, leader, others } = threeNodes();
    const [reading] = others as [VirtualNode];
    let answers = 0;
    cluster.passes = ({ kind }) => {
      if (kind === frameKind.readIndexReply) answers += 1;
      return true;
    };
    new VirtualClient(reading).send("GET", "x");
    cluster.step();
    cluster.step();
    reading.crash();
    leader.replica.disconnected(reading.id, false);
    reading.start();
    cluster.run(200);
    expect(answers).toBe(0);
  });
});

describe("numbers of a life", () => {
  it("are never those of another life, and ascend", () => {
    const first = new LifeNumbers(1);
    const second = new LifeNumbers(2);
    const numbers = [first.next(), first.next(), second.next(), second.next()];
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    expect(new Set(numbers).size).toBe(4);
  });

  it("stay exact, however often a node was started", () => {
    const number = new LifeNumbers(2 ** 32 - 1).next();
    expect(Number.isSafeInteger(number + 2 ** 32 - 1)).toBe(true);
  });
});
