// Whole nodes at maxmemory: settings reach every node, and the leader evicts before the writes that need the room.

import { describe, expect, it } from "vitest";
import { batchBytesMax, maxmemoryShare } from "../../../src/constants.ts";
import type { OwnSettings } from "../../../src/node/replica/settings-desk.ts";
import { asIndex } from "../../../src/raft/core/types.ts";
import { type ErrorReply, ok } from "../../../src/resp/reply.ts";
import { proposalKind, readHeader } from "../../../src/state/execution/proposal.ts";
import { evictName } from "../../../src/state/execution/system-commands.ts";
import {
  type ClusterSettings,
  ReplicaCluster,
  stepUntil,
  VirtualClient,
  type VirtualNode,
} from "../../support/replica-cluster.ts";

const MiB = 1024 * 1024;

function threeNodes(settings: ClusterSettings = {}) {
  const cluster = new ReplicaCluster(3, 1, settings);
  const leader = cluster.elect();
  cluster.settle();
  const follower = cluster.nodes.find((node) => node !== leader) as VirtualNode;
  return { cluster, leader, follower };
}

type Pair = readonly ["maxmemory" | "maxmemory-policy", string];

function set(
  cluster: ReplicaCluster,
  node: VirtualNode,
  ...pairs: readonly Pair[]
): Promise<ErrorReply | null> {
  const outcome = node.replica.settings.set(pairs);
  cluster.run(200);
  return outcome;
}

const policyOf = ({ machine }: VirtualNode): string => machine.settings.record.policy;
const limitOf = ({ machine }: VirtualNode): number => machine.settings.maxmemory;

/** Keys that entries of the leader have evicted. */
function evictedByEntries({ log }: VirtualNode): number {
  const entries = log.slice(asIndex(1), asIndex(log.lastIndex), Number.MAX_SAFE_INTEGER);
  return entries
    .filter(({ kind, data }) => kind === "data" && readHeader(data).kind === proposalKind.system)
    .map(({ data }) => Buffer.from(data).toString("latin1"))
    .flatMap((text) => [...text.matchAll(/\*(\d+)\r\n\$\d+\r\n([a-z.]+)/g)])
    .filter(([, , name]) => name === evictName)
    .reduce((sum, [, words]) => sum + Number(words) - 1, 0);
}

describe("a replicated setting", () => {
  it("that a follower is given is in force on every node", async () => {
    const { cluster, follower } = threeNodes();
    const outcome = set(
      cluster,
      follower,
      ["maxmemory", "1000"],
      ["maxmemory-policy", "allkeys-lru"],
    );
    expect(await outcome).toBeNull();
    expect(cluster.nodes.map(limitOf)).toEqual([1000, 1000, 1000]);
    expect(cluster.nodes.map(policyOf)).toEqual(Array(3).fill("allkeys-lru"));
    expect(follower.replica.settings.text("maxmemory")).toBe("1000");
  });

  it("of a new cluster is derived from the smallest member's memory, until somebody chooses", async () => {
    const own = (id: number): OwnSettings => ({ memoryBytes: id * 1_000 * MiB, given: [] });
    const { cluster, leader } = threeNodes({ own });
    cluster.run(2_000);
    const derived = Math.floor(1_000 * MiB * maxmemoryShare);
    expect(cluster.nodes.map(limitOf)).toEqual([derived, derived, derived]);
    void set(cluster, leader, ["maxmemory", "0"]);
    cluster.run(2_000);
    expect(cluster.nodes.map(limitOf)).toEqual([0, 0, 0]);
  });

  it("of a new cluster is what its first leader's configuration says", () => {
    const given: readonly Pair[] = [
      ["maxmemory", "5000"],
      ["maxmemory-policy", "volatile-ttl"],
    ];
    const { cluster } = threeNodes({ own: () => ({ memoryBytes: MiB, given }) });
    cluster.run(2_000);
    expect(cluster.nodes.map(limitOf)).toEqual([5000, 5000, 5000]);
    expect(cluster.nodes.map(policyOf)).toEqual(Array(3).fill("volatile-ttl"));
  });
});

describe.each(["leader", "follower"] as const)("at maxmemory, writes through the %s", (at) => {
  it("are never refused, and no node uses more than the limit and a write", () => {
    const scene = threeNodes();
    const { cluster, leader } = scene;
    const limit = MiB;
    void set(cluster, leader, ["maxmemory", String(limit)], ["maxmemory-policy", "allkeys-lru"]);
    const client = new VirtualClient(scene[at]);
    let sent = 0;
    for (let round = 0; round < 60; round++) {
      for (let n = 0; n < 50; n++) client.send("SET", `key:${sent++}`, "x".repeat(1_000));
      stepUntil(cluster, () => client.replies.length === sent);
      for (const { machine } of cluster.nodes)
        expect(machine.keyspace.used).toBeLessThan(limit + 2_000);
    }
    cluster.run(200);
    expect(client.replies.every((reply) => reply === ok)).toBe(true);
    expect(new Set(cluster.nodes.map(({ machine }) => machine.digest)).size).toBe(1);
    // The leader has foreseen all of it: nothing was left to chance.
    const { evictedKeys } = leader.machine.keyspace.counters;
    expect(evictedKeys).toBeGreaterThan(1_900);
    expect(evictedByEntries(leader)).toBe(evictedKeys);
    // And not much more was evicted than had to be.
    expect(leader.machine.keyspace.used).toBeGreaterThan(limit * 0.9);
  });

  it("leave the keys that are read on a follower, although the leader chooses", () => {
    const scene = threeNodes();
    const { cluster, leader, follower } = scene;
    void set(cluster, leader, ["maxmemory", String(MiB)], ["maxmemory-policy", "allkeys-lru"]);
    const client = new VirtualClient(scene[at]);
    const hot = Array.from({ length: 20 }, (_, n) => `hot:${n}`);
    for (const key of hot) client.send("SET", key, "x".repeat(1_000));
    cluster.run(100);
    for (let round = 0; round < 60; round++) {
      for (let n = 0; n < 50; n++) client.send("SET", `${round}:${n}`, "x".repeat(1_000));
      for (const key of hot) follower.replica.machine.keyspace.onRead?.(0, key);
      cluster.run(150);
    }
    const { keyspace } = leader.machine;
    expect(hot.filter((key) => keyspace.locate(0, key) !== null).length).toBeGreaterThan(17);
  });
});

it("a lower limit is reached without any write", () => {
  const { cluster, leader } = threeNodes();
  void set(cluster, leader, ["maxmemory", "0"], ["maxmemory-policy", "allkeys-random"]);
  const client = new VirtualClient(leader);
  for (let n = 0; n < 500; n++) client.send("SET", `key:${n}`, "x".repeat(1_000));
  cluster.run(200);
  void set(cluster, leader, ["maxmemory", "100000"]);
  cluster.run(1_000);
  for (const { machine } of cluster.nodes)
    expect(machine.keyspace.used).toBeLessThanOrEqual(100_000);
});

it("an entry names no more bytes of keys than a batch and one key hold", () => {
  const { cluster, leader } = threeNodes();
  void set(cluster, leader, ["maxmemory", "0"], ["maxmemory-policy", "allkeys-random"]);
  const client = new VirtualClient(leader);
  for (let n = 0; n < 12; n++) client.send("SET", `${n}${"k".repeat(MiB)}`, "x");
  cluster.run(1_000);
  void set(cluster, leader, ["maxmemory", "1"]);
  cluster.run(2_000);
  const { log } = leader;
  const entries = log.slice(asIndex(1), asIndex(log.lastIndex), Number.MAX_SAFE_INTEGER);
  const evictions = entries
    .filter(({ kind, data }) => kind === "data" && readHeader(data).kind === proposalKind.system)
    .map(({ data }) => data.length);
  expect(evictions.length).toBeGreaterThan(1);
  expect(Math.max(...evictions)).toBeLessThan(batchBytesMax + 2 * MiB);
  expect(leader.machine.keyspace.used).toBe(0);
});
