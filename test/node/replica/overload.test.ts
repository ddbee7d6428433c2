// Whole nodes with small limits and more writes than they have room for: nothing is sent or ordered needlessly.

import { describe, expect, it } from "vitest";
import { decodeForward, encodeRefusal, frameKind } from "../../../src/node/frames.ts";
import type { Entry } from "../../../src/raft/core/types.ts";
import { asIndex } from "../../../src/raft/core/types.ts";
import { errors } from "../../../src/resp/errors.ts";
import { ok } from "../../../src/resp/reply.ts";
import { readHeader } from "../../../src/state/execution/proposal.ts";
import {
  type ClusterSettings,
  type Frame,
  ReplicaCluster,
  VirtualClient,
  type VirtualNode,
} from "../../support/replica-cluster.ts";

const KiB = 1024;
const MiB = 1024 * KiB;
/** A batch of its own, where batches are that small. */
const value = "x".repeat(64 * KiB);
const batchBytesMax = 64 * KiB;
/** The same for tests with hundreds of them. */
const smallValue = "x".repeat(4 * KiB);
const smallBatch = 4 * KiB;

const anyNumber = Number.MAX_SAFE_INTEGER;

function threeNodes(settings: ClusterSettings) {
  const cluster = new ReplicaCluster(3, 1, settings);
  const leader = cluster.elect();
  cluster.settle();
  const follower = cluster.nodes.find((node) => node !== leader) as VirtualNode;
  return { cluster, leader, follower };
}

const entriesBehind = ({ log }: VirtualNode, index: number): readonly Entry[] =>
  log.slice(asIndex(index + 1), asIndex(log.lastIndex), anyNumber);

/** Each 10 ms the network carries a message or two to each follower, so a leader's log grows as slowly. */
function runSlowly(cluster: ReplicaCluster, client: VirtualClient, count: number): number {
  const startMs = cluster.nowMs;
  while (client.replies.length < count) {
    if (cluster.nowMs - startMs > 60_000) throw new Error(`${client.replies.length} replies`);
    cluster.nowMs += 10;
    for (const node of cluster.nodes) node.replica.tick();
    for (let steps = 0; steps < 5; steps++) cluster.step();
  }
  return cluster.nowMs - startMs;
}

/** What it takes to get so many batches through a node, all sent at once. */
function load(at: "leader" | "follower", batches: number, limits: ClusterSettings["limits"]) {
  const scene = threeNodes({
    limits: { batchBytesMax: smallBatch, ...limits },
    appendBytesMax: smallBatch,
    inflightMessagesMax: 1,
  });
  const { cluster, leader } = scene;
  const before = leader.replica.driver.core.last.index;
  const client = new VirtualClient(scene[at]);
  for (let n = 0; n < batches; n++) client.send("SET", `key:${n}`, smallValue);
  const ms = runSlowly(cluster, client, batches);
  expect(client.replies.every((reply) => reply === ok)).toBe(true);
  return { ms, entries: leader.replica.driver.core.last.index - before };
}

describe("more writes than a leader takes at once", () => {
  const batches = 400;

  it.each(["leader", "follower"] as const)(
    "by way of the %s take no more entries and hardly more time than with room for all",
    (at) => {
      const roomy = load(at, batches, {
        uncommittedBytesMax: 8 * MiB,
        writeWindowBytes: 8 * MiB,
      });
      const scarce = load(at, batches, {
        uncommittedBytesMax: 128 * smallBatch,
        writeWindowBytes: 8 * MiB,
      });
      expect(scarce.entries).toBeLessThanOrEqual(1.1 * roomy.entries);
      expect(scarce.ms).toBeLessThanOrEqual(1.3 * roomy.ms);
    },
  );

  it("are refused once, and not each of the frames behind the first one", () => {
    const { cluster, follower } = threeNodes({
      limits: {
        batchBytesMax: smallBatch,
        uncommittedBytesMax: 16 * smallBatch,
        writeWindowBytes: 8 * MiB,
      },
      appendBytesMax: smallBatch,
      inflightMessagesMax: 1,
    });
    let refusals = 0;
    cluster.passes = ({ kind }) => {
      if (kind === frameKind.refused) refusals += 1;
      return true;
    };
    const client = new VirtualClient(follower);
    for (let n = 0; n < batches; n++) client.send("SET", `key:${n}`, smallValue);
    const ms = runSlowly(cluster, client, batches);
    expect(refusals).toBeGreaterThan(0);
    expect(refusals).toBeLessThanOrEqual(ms / 20 + 1);
  });
});

describe("a refusal", () => {
  /** What is forwarded because of it, while two batches are under way that nobody commits. */
  function forwardedAfter(change: { term?: number; incarnation?: number; from?: "third" }): number {
    const { cluster, leader, follower } = threeNodes({ limits: { batchBytesMax: 100 } });
    const third = cluster.nodes.find((node) => node !== leader && node !== follower);
    let forwards = 0;
    cluster.passes = ({ kind }) => {
      if (kind === frameKind.forward) forwards += 1;
      return kind !== frameKind.append && kind !== frameKind.forward;
    };
    const client = new VirtualClient(follower);
    client.send("SET", "a", "x".repeat(100));
    client.send("SET", "b", "x".repeat(100));
    cluster.settle();
    expect(forwards).toBe(2);
    const { term } = leader.replica.driver.core;
    const refusal = encodeRefusal({ term, incarnation: 1, next: 2, ...change });
    const from = change.from === undefined ? leader.id : (third?.id ?? leader.id);
    follower.replica.frame(from, frameKind.refused, refusal);
    cluster.settle();
    return forwards - 2;
  }

  it("makes a node go on from the number that it names", () => {
    expect(forwardedAfter({})).toBe(1);
  });

  it.each([
    ["of another term", { term: 1 }],
    ["to a former life", { incarnation: 9 }],
    ["of a node that does not lead", { from: "third" }],
  ] as const)("%s is ignored", (_, change) => {
    expect(forwardedAfter(change)).toBe(0);
  });
});

describe("of a node's own writes", () => {
  const writeWindowBytes = 256 * KiB;

  /** Bytes of the writes that are in the leader's log or on their way there, and not applied at their node. */
  function mostUnderWay(at: "leader" | "follower", lengths: readonly number[]): number[] {
    const scene = threeNodes({ limits: { batchBytesMax, writeWindowBytes } });
    const { cluster, leader } = scene;
    const node = scene[at];
    const client = new VirtualClient(node);
    const before = leader.log.lastIndex;
    const forwarded: number[] = [];
    cluster.passes = ({ from, to, kind, body }) => {
      if (kind === frameKind.forward) forwarded.push(body.length);
      return from !== leader.id || kind === frameKind.refused || to === leader.id;
    };
    for (const length of lengths) client.send("SET", "key", "x".repeat(length));
    cluster.settle();
    const sizes =
      at === "follower" ? forwarded : entriesBehind(leader, before).map(({ data }) => data.length);
    cluster.passes = () => true;
    cluster.run(5_000);
    expect(client.replies).toEqual(lengths.map(() => ok));
    return sizes;
  }

  it.each(["leader", "follower"] as const)(
    "no more than a window is under way and not applied, at the %s",
    (at) => {
      const sizes = mostUnderWay(
        at,
        Array.from({ length: 40 }, () => 60 * KiB),
      );
      expect(sizes).toHaveLength(4);
    },
  );

  it.each(["leader", "follower"] as const)(
    "one that is larger than the window goes alone, at the %s",
    (at) => {
      const sizes = mostUnderWay(at, [MiB, 10, 10]);
      expect(sizes).toHaveLength(1);
      expect(sizes[0]).toBeGreaterThan(MiB);
    },
  );
});

describe("while there is no leader", () => {
  it("a node rests, though its window has room and a write waits", () => {
    for (let steps = 0; steps < 12; steps++) {
      const { cluster, leader, follower } = threeNodes({ limits: { writeWindowBytes: 1 } });
      const third = cluster.nodes.find((node) => node !== leader && node !== follower);
      const client = new VirtualClient(follower);
      for (let n = 0; n < 3; n++) {
        client.send("INCR", "counter");
        cluster.step();
      }
      for (let n = 0; n < steps; n++) cluster.step();
      third?.replica.driver.campaign();
      cluster.passes = ({ from, to }) => from === third?.id && to === follower.id;
      cluster.settle();
      cluster.passes = () => true;
      cluster.run(12_000);
      expect(client.replies).toEqual([1, 2, 3]);
    }
  });

  it("what arrives is kept in batches of at most their limit, not in one", () => {
    const { cluster, leader, follower } = threeNodes({ limits: { batchBytesMax } });
    const others = cluster.nodes.filter((node) => node !== leader);
    cluster.passes = ({ from, to }) => from !== leader.id && to !== leader.id;
    leader.crash();
    follower.replica.driver.campaign();
    cluster.step();
    cluster.passes = () => false;
    cluster.run(1_500);
    expect(follower.replica.leader).toBeNull();
    const before = follower.log.lastIndex;
    const client = new VirtualClient(follower);
    for (let n = 0; n < 200; n++) client.send("SET", `key:${n}`, "x".repeat(10 * KiB));
    cluster.run(100);
    cluster.passes = () => true;
    cluster.elect();
    cluster.run(1_000);
    expect(client.replies).toHaveLength(200);
    for (const node of others) {
      for (const { data } of entriesBehind(node, before)) {
        expect(data.length).toBeLessThanOrEqual(batchBytesMax + 100);
      }
    }
  });

  it("what never left is refused for certain after a while", () => {
    const { cluster, leader, follower } = threeNodes({ limits: { batchBytesMax } });
    for (const node of cluster.nodes) if (node !== follower) node.crash();
    cluster.run(3_000);
    expect(follower.replica.leader).toBeNull();
    const client = new VirtualClient(follower);
    for (let n = 0; n < 20; n++) client.send("SET", `key:${n}`, "x".repeat(10 * KiB));
    cluster.run(10_000);
    expect(client.replies).toEqual(Array.from({ length: 20 }, () => errors.clusterDown));
    leader.start();
    cluster.elect();
    expect(follower.machine.keyspace.database(0).size).toBe(0);
  });
});

describe("a write that was answered with an unknown outcome", () => {
  /** At a follower that the leader hears and that hears nobody; then everything is healed. */
  function unknown(passes: (frame: Frame, leader: VirtualNode, node: VirtualNode) => boolean) {
    const scene = threeNodes({});
    const { cluster, leader, follower } = scene;
    const client = new VirtualClient(follower);
    cluster.passes = (frame) => passes(frame, leader, follower);
    client.send("INCR", "counter");
    cluster.run(15_000);
    expect(client.replies).toEqual([errors.unknownOutcome]);
    cluster.passes = () => true;
    cluster.elect();
    cluster.run(5_000);
    client.send("INCR", "counter");
    cluster.settle();
    cluster.run(100);
    return { ...scene, replies: client.replies.slice(1) };
  }

  it("takes no effect later, if no leader had ordered it by then", () => {
    const { replies } = unknown(({ from, to }, _, node) => from !== node.id && to !== node.id);
    expect(replies).toEqual([1]);
  });

  it("counts once, if it was committed", () => {
    const { replies } = unknown(
      ({ to, kind, from }, _, node) =>
        to !== node.id && (from !== node.id || kind === frameKind.forward),
    );
    expect(replies).toEqual([2]);
  });

  it("leaves numbers behind that hold nothing", () => {
    const { leader } = unknown(({ from, to }, _, node) => from !== node.id && to !== node.id);
    const counts = entriesBehind(leader, 0)
      .filter(({ kind }) => kind === "data")
      .map(({ data }) => readHeader(data).count);
    expect(counts.filter((count) => count > 0)).toEqual([1, 1]);
  });
});

describe("writes that nobody acknowledges for long", () => {
  function stuck() {
    const scene = threeNodes({ limits: { batchBytesMax } });
    const { cluster, leader, follower } = scene;
    const forwards: { readonly bytes: number; readonly count: number }[] = [];
    const state = { loses: false, commits: false };
    cluster.passes = ({ from, to, kind, body }) => {
      if (kind === frameKind.forward) {
        forwards.push({ bytes: body.length, count: decodeForward(body)?.header.count ?? -1 });
        if (state.loses) return false;
      }
      // The leader hears its followers' heartbeats, and no entry reaches them.
      return state.commits || kind !== frameKind.append || from !== leader.id || to === leader.id;
    };
    return { ...scene, forwards, state, client: new VirtualClient(follower) };
  }

  it("are not sent again while the leader has them: it is asked, with a few bytes", () => {
    const { cluster, forwards, state, client } = stuck();
    for (let n = 0; n < 4; n++) client.send("SET", `key:${n}`, value);
    cluster.settle();
    expect(forwards).toHaveLength(4);
    cluster.run(9_000);
    const again = forwards.slice(4);
    expect(again.length).toBeGreaterThan(0);
    for (const { bytes } of again) expect(bytes).toBeLessThan(100);
    state.commits = true;
    cluster.run(500);
    expect(client.replies).toEqual([ok, ok, ok, ok]);
  });

  it("are sent again from the one on that was lost", () => {
    const { cluster, forwards, state, client } = stuck();
    state.commits = true;
    state.loses = true;
    client.send("SET", "key:0", value);
    cluster.settle();
    state.loses = false;
    client.send("SET", "key:1", value);
    cluster.run(6_000);
    expect(client.replies).toEqual([ok, ok]);
    expect(forwards.filter(({ count }) => count > 0).length).toBeLessThanOrEqual(4);
  });

  it("are sent again when the last of them was lost, and nothing comes behind it", () => {
    const { cluster, state, client } = stuck();
    state.commits = true;
    state.loses = true;
    client.send("SET", "key:0", value);
    cluster.settle();
    state.loses = false;
    cluster.run(6_000);
    expect(client.replies).toEqual([ok]);
  });
});
