// What a node of one takes for its clients: no turn without work.

import { expect, it } from "vitest";
import { ok } from "../../../src/resp/reply.ts";
import { ReplicaCluster, VirtualClient } from "../../support/replica-cluster.ts";

function nodeOfOne() {
  const cluster = new ReplicaCluster(1);
  const node = cluster.elect();
  cluster.settle();
  return { cluster, node, client: new VirtualClient(node) };
}

it("a read takes one turn", () => {
  const { node, client } = nodeOfOne();
  client.send("GET", "key");
  expect(node.wantsTurn).toBe(true);
  node.work();
  expect(client.replies).toEqual([null]);
  expect(node.wantsTurn).toBe(false);
});

it("a write takes one turn before and one after the disk", () => {
  const { node, client } = nodeOfOne();
  client.send("SET", "key", "value");
  node.work();
  expect(node.log.saving).toBe(true);
  expect(node.wantsTurn).toBe(false);
  node.work();
  expect(client.replies).toEqual([ok]);
  expect(node.wantsTurn).toBe(false);
});

it("a tick is a turn, and asks for no other", () => {
  const { cluster, node } = nodeOfOne();
  cluster.nowMs += 10;
  node.replica.tick();
  expect(node.wantsTurn).toBe(false);
});
