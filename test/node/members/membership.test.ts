// Members come, go and lead while the cluster serves: what RAFT ADD, REMOVE and TRANSFER answer, and when.

import { describe, expect, it } from "vitest";
import { appendBytesMax, membersMax } from "../../../src/constants.ts";
import { frameKind } from "../../../src/node/frames.ts";
import { adminErrors } from "../../../src/node/members/admin-errors.ts";
import { decodeAddress } from "../../../src/node/members/member-address.ts";
import type { AdminRequest } from "../../../src/node/members/membership-plan.ts";
import { encodeMessage } from "../../../src/raft/codec.ts";
import { asNode, asTerm, type NodeId } from "../../../src/raft/core/types.ts";
import { errors } from "../../../src/resp/errors.ts";
import { ok, type Reply } from "../../../src/resp/reply.ts";
import { isConsensus } from "../../support/consensus-frames.ts";
import { ReplicaCluster, VirtualClient, VirtualNode } from "../../support/replica-cluster.ts";

const peerOf = (id: number) => `127.0.0.1:1700${id}`;
const clientOf = (id: number) => `127.0.0.1:700${id}`;
const add = (id: number): AdminRequest => ({ verb: "add", peer: peerOf(id), client: clientOf(id) });
/** Asked by the node itself, which has this directory. */
const join = (id: number, directory: string): AdminRequest => ({
  ...{ verb: "add", peer: peerOf(id), client: clientOf(id) },
  directory: directory.repeat(32),
});
const remove = (id: number): AdminRequest => ({ verb: "remove", id });
const transfer = (id: number | null): AdminRequest => ({ verb: "transfer", id });

/** Time passes until the answer is there; what promises do happens between two ticks. */
async function answerTo(cluster: ReplicaCluster, asked: Promise<Reply>, withinMs = 15_000) {
  let answer: { readonly reply: Reply; readonly afterMs: number } | null = null;
  let passed = 0;
  void asked.then((reply) => {
    answer = { reply, afterMs: passed };
  });
  for (; passed <= withinMs; passed += 10) {
    await new Promise((resolve) => setImmediate(resolve));
    if (answer !== null) return answer as { readonly reply: Reply; readonly afterMs: number };
    cluster.run(10);
  }
  throw new Error(`no answer within ${withinMs} ms of virtual time`);
}

async function ask(cluster: ReplicaCluster, node: VirtualNode, request: AdminRequest) {
  return (await answerTo(cluster, node.replica.admin.ask(request))).reply;
}

/** An empty node that has been told its id, as the one that `add` admits next. */
function startNode(cluster: ReplicaCluster, id: number): VirtualNode {
  const node = new VirtualNode(id, cluster);
  cluster.nodes.push(node);
  node.start();
  return node;
}

/** Frames travel only where the sender dials the receiver, at the address where that one listens. */
function dialling(cluster: ReplicaCluster): void {
  cluster.passes = ({ from, to }) =>
    cluster.node(from).dials.get(to) === (cluster.node(to).address?.peer ?? peerOf(to));
}

function electedFollower(cluster: ReplicaCluster) {
  const leader = cluster.elect();
  const follower = cluster.nodes.find((node) => node.isUp && node !== leader) as VirtualNode;
  return { leader, follower };
}

/** To one node pass only messages without entries: it lives, but learns nothing. */
const heartbeatsAloneTo =
  (id: number): ReplicaCluster["passes"] =>
  ({ to, kind, body }) =>
    to !== id || !isConsensus(kind) || body.length < 60;

const memberIds = (node: VirtualNode) =>
  node.replica.driver.core.membership.members.map(({ id }) => Number(id));
const voterIds = (node: VirtualNode) =>
  node.replica.driver.core.membership.members
    .filter(({ voter }) => voter)
    .map(({ id }) => Number(id));
const others = (cluster: ReplicaCluster, ...not: readonly VirtualNode[]) =>
  cluster.nodes.filter((node) => !not.includes(node));
const textOf = (reply: Reply) => (reply as { readonly text: string }).text;

describe("RAFT ADD", () => {
  it("admits a learner, which votes as soon as it has the log", async () => {
    const cluster = new ReplicaCluster(3);
    const { follower } = electedFollower(cluster);
    const reply = (await ask(cluster, follower, add(4))) as Reply[];
    expect(reply.slice(0, 2)).toEqual(["test", 4]);
    expect(reply.slice(2)).toHaveLength(4);
    expect(reply[5]).toEqual([4, peerOf(4), clientOf(4), 0]);
    cluster.run(2_000);
    expect(voterIds(follower)).toEqual([1, 2, 3]);
    const joined = startNode(cluster, 4);
    cluster.run(1_000);
    for (const node of cluster.nodes) expect(voterIds(node)).toEqual([1, 2, 3, 4]);
    const client = new VirtualClient(joined);
    client.send("INCR", "a");
    cluster.run(100);
    expect(client.replies).toEqual([1]);
  });

  it("is answered only after the change is committed", async () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    cluster.passes = ({ kind }) => !isConsensus(kind);
    const asked = leader.replica.admin.ask(add(4));
    let answered = false;
    void asked.then(() => {
      answered = true;
    });
    cluster.run(300);
    await new Promise((resolve) => setImmediate(resolve));
    expect(memberIds(leader)).toEqual([1, 2, 3, 4]);
    expect(answered).toBe(false);
    cluster.passes = () => true;
    expect((await answerTo(cluster, asked)).reply).toHaveLength(6);
  });

  it("asked again gives the same id, until the node was heard of", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const first = await ask(cluster, leader, add(4));
    expect(await ask(cluster, follower, add(4))).toEqual(first);
    startNode(cluster, 4);
    cluster.run(1_000);
    expect(await ask(cluster, leader, add(4))).toEqual(adminErrors.peerAddressTaken(peerOf(4), 4));
  });

  it("never gives the id of a learner that lives, although nothing is known of its log", async () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    await ask(cluster, leader, add(4));
    cluster.passes = heartbeatsAloneTo(4);
    startNode(cluster, 4);
    cluster.run(1_000);
    expect(await ask(cluster, leader, add(4))).toEqual(adminErrors.peerAddressTaken(peerOf(4), 4));
  });

  it("never gives a voter's id to an empty directory, although a new leader has not heard of it", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [third] = others(cluster, leader, follower);
    third?.crash();
    await ask(cluster, leader, transfer(follower.id));
    expect(await ask(cluster, follower, add(third?.id ?? 0))).toEqual(
      adminErrors.peerAddressTaken(peerOf(third?.id ?? 0), third?.id ?? 0),
    );
  });

  it("gives an id to one directory only, whoever leads, and after RAFT REMOVE a new one to another", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const first = (await ask(cluster, leader, join(4, "a"))) as Reply[];
    expect(first[1]).toBe(4);
    const taken = adminErrors.peerAddressTaken(peerOf(4), 4);
    for (const heir of [leader, follower]) {
      await ask(cluster, leader, transfer(heir.id));
      expect(await ask(cluster, leader, join(4, "a"))).toEqual(first);
      expect(await ask(cluster, leader, join(4, "b"))).toEqual(taken);
      expect(await ask(cluster, leader, add(4))).toEqual(taken);
    }
    expect(textOf(taken)).toContain("RAFT REMOVE 4 first, then start this node again");
    // Without --join an empty directory would begin a second cluster at an address that clients know.
    expect(textOf(taken)).not.toContain("without --join");
    await ask(cluster, leader, remove(4));
    expect(((await ask(cluster, leader, join(4, "b"))) as Reply[])[1]).toBe(5);
  });

  it("by an operator is taken up by the first directory that asks, and by no other", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const first = (await ask(cluster, leader, add(4))) as Reply[];
    const asked = ["a", "b"].map((each) => follower.replica.admin.ask(join(4, each)));
    const replies = await Promise.all(asked.map((each) => answerTo(cluster, each)));
    expect(replies.map(({ reply }) => reply)).toEqual([
      first,
      adminErrors.peerAddressTaken(peerOf(4), 4),
    ]);
  });

  it("keeps the directory of a member that moves", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader } = electedFollower(cluster);
    await ask(cluster, leader, join(4, "a"));
    const node = startNode(cluster, 4);
    node.address = { peer: "10.0.0.4:17000", client: "10.0.0.4:7000" };
    cluster.run(3_000);
    const member = leader.replica.driver.core.membership.members.find(({ id }) => id === 4);
    expect(decodeAddress(member?.address ?? "")).toEqual({
      ...node.address,
      directory: "a".repeat(32),
    });
  });

  it("lets no member take another one's address by saying so", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader } = electedFollower(cluster);
    await ask(cluster, leader, join(4, "a"));
    const { index } = leader.replica.driver.core.last;
    const words = { id: 4, peer: peerOf(1), client: clientOf(1), asks: true };
    leader.replica.frame(asNode(4), frameKind.address, Buffer.from(JSON.stringify(words)));
    cluster.run(100);
    expect(leader.replica.driver.core.last.index).toBe(index);
  });

  it("refuses an eighth member, and an address that clients use already", async () => {
    const cluster = new ReplicaCluster(membersMax);
    const leader = cluster.elect();
    expect(await ask(cluster, leader, add(8))).toEqual(adminErrors.tooManyMembers);
    await ask(cluster, leader, remove(leader.id === 7 ? 6 : 7));
    const request = { verb: "add", peer: peerOf(9), client: clientOf(1) } as const;
    expect(await ask(cluster, leader, request)).toEqual(
      adminErrors.clientAddressTaken(clientOf(1), 1),
    );
  });
});

describe("RAFT REMOVE", () => {
  it("of the leader, asked at a follower: the others elect, clients of those who stay see no error", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = new ReplicaCluster(3, seed);
      const { leader, follower } = electedFollower(cluster);
      const client = new VirtualClient(follower);
      client.send("INCR", "a");
      const asked = follower.replica.admin.ask(remove(leader.id));
      client.send("INCR", "a");
      const { reply, afterMs } = await answerTo(cluster, asked);
      expect(reply, `seed ${seed}`).toEqual(ok);
      expect(afterMs).toBeLessThan(2_000);
      client.send("INCR", "a");
      cluster.run(2_000);
      expect(client.replies, `seed ${seed}`).toEqual([1, 2, 3]);
      expect(memberIds(follower)).not.toContain(leader.id);
      expect(cluster.leader).not.toBe(leader);
    }
  });

  it("of the leader, asked at the leader itself, is answered there", async () => {
    const cluster = new ReplicaCluster(3);
    const leader = cluster.elect();
    expect(await ask(cluster, leader, remove(leader.id))).toEqual(ok);
    expect(await ask(cluster, leader, remove(2))).toEqual(adminErrors.removed);
  });

  it("of a dead member works while the others are a majority", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [dead] = others(cluster, leader, follower);
    dead?.crash();
    cluster.run(2_000);
    expect(await ask(cluster, follower, remove(dead?.id ?? 0))).toEqual(ok);
    expect(voterIds(leader)).toHaveLength(2);
  });

  it("that leaves no live majority is refused, and says who is silent", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [dead] = others(cluster, leader, follower) as [VirtualNode];
    dead.crash();
    cluster.run(2_000);
    const { reply, afterMs } = await answerTo(
      cluster,
      leader.replica.admin.ask(remove(follower.id)),
    );
    expect(reply).toEqual(adminErrors.noLiveMajority(follower.id, [dead.id]));
    expect(textOf(reply)).toContain(`start node ${dead.id} again or remove it first`);
    expect(afterMs).toBeLessThan(3_000);
    dead.start();
    cluster.run(2_000);
    expect(await ask(cluster, leader, remove(follower.id))).toEqual(ok);
  });

  it("never takes live members for silent ones, whenever it is asked", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    for (let each = 0; each < 200; each++) {
      cluster.passes = () => each % 8 === 3; // Few heartbeats and few of their answers get through.
      cluster.run(10);
      expect(leader.replica.membership.isAlive(follower.id), `tick ${each}`).toBe(true);
    }
  });

  it("of the last voter is refused; so is an id that was never given away", async () => {
    const cluster = new ReplicaCluster(1);
    const node = cluster.elect();
    expect(await ask(cluster, node, remove(1))).toEqual(adminErrors.lastVoter(1));
    await ask(cluster, node, add(2)); // A learner counts for nothing.
    expect(await ask(cluster, node, remove(1))).toEqual(adminErrors.lastVoter(1));
    expect(await ask(cluster, node, remove(3))).toEqual(adminErrors.noMember(3));
  });

  it("asked again is answered as before", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [third] = others(cluster, leader, follower) as [VirtualNode];
    expect(await ask(cluster, leader, remove(third.id))).toEqual(ok);
    expect(await ask(cluster, follower, remove(third.id))).toEqual(ok);
  });

  it("waits for a change that is under way", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [third] = others(cluster, leader, follower) as [VirtualNode];
    const both = [add(4), remove(third.id)].map((each) => leader.replica.admin.ask(each));
    const replies = await Promise.all(both.map((asked) => answerTo(cluster, asked)));
    expect(replies[0]?.reply).toHaveLength(6);
    expect(replies[1]?.reply).toEqual(ok);
  });
});

describe("a change of leader on the way", () => {
  it("puts the question to the next leader, so the answer is definite", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const asked = follower.replica.admin.ask(add(4));
    leader.crash(); // Before it has read the question.
    cluster.elect();
    const reply = (await answerTo(cluster, asked, 100)).reply as Reply[];
    expect(reply[1]).toBe(4);
    expect(memberIds(follower)).toEqual([1, 2, 3, 4]);
  });

  it.each<[string, (third: number) => AdminRequest]>([
    ["ADD", () => add(4)],
    ["REMOVE", (third) => remove(third)],
  ])("rolls a change back: RAFT %s asked again was not answered out of it", async (_, request) => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [third] = others(cluster, leader, follower) as [VirtualNode];
    cluster.passes = ({ from, to }) => from !== leader.id && to !== leader.id;
    const before = memberIds(leader);
    const answers: Reply[] = [];
    for (let each = 0; each < 2; each++) {
      void leader.replica.admin.ask(request(third.id)).then((reply) => answers.push(reply));
      cluster.run(100);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(memberIds(leader)).not.toEqual(before); // In its own log alone.
    expect(answers).toEqual([]);
    cluster.run(3_000);
    cluster.passes = () => true;
    cluster.elect();
    const again = await ask(cluster, follower, request(third.id));
    cluster.run(100);
    await new Promise((resolve) => setImmediate(resolve));
    expect(answers).toEqual([again, again]);
    for (const node of [leader, follower]) expect(memberIds(node)).not.toEqual(before);
  });

  it("leaves a change that a deposed leader could not commit to the next one", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [third] = others(cluster, leader, follower) as [VirtualNode];
    cluster.passes = ({ from, to }) => from !== leader.id && to !== leader.id;
    const asked = leader.replica.admin.ask(remove(third.id));
    cluster.run(3_000);
    expect(memberIds(leader)).not.toContain(third.id); // In its own log alone.
    expect(leader.replica.membership.hasRemoved(third.id)).toBe(false);
    cluster.passes = () => true;
    expect((await answerTo(cluster, asked)).reply).toEqual(ok);
    cluster.run(1_000);
    for (const node of [leader, follower]) expect(memberIds(node)).not.toContain(third.id);
  });

  it("that brings no leader leaves the outcome unknown, and refuses for certain what nobody was asked", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    for (const node of others(cluster, follower)) node.crash();
    const asked = follower.replica.admin.ask(remove(leader.id));
    expect((await answerTo(cluster, asked)).reply).toEqual(adminErrors.unknownOutcome);
    const later = follower.replica.admin.ask(remove(leader.id));
    expect((await answerTo(cluster, later)).reply).toEqual(errors.clusterDown);
  });
});

describe("a node that joins", () => {
  /** Nodes that know where they are and reach only those whom they dial; not all have to be up. */
  function addressed(size: number, later = 0): ReplicaCluster {
    const cluster = new ReplicaCluster(size);
    for (let id = size + 1; id <= size + later; id++) {
      cluster.nodes.push(new VirtualNode(id, cluster));
    }
    for (const { id } of cluster.nodes) {
      cluster.node(id).address = { peer: peerOf(id), client: clientOf(id) };
    }
    cluster.elect();
    dialling(cluster);
    return cluster;
  }

  const invitedBy = (reply: Reply) =>
    new Map((reply as [string, number, ...[NodeId, string][]]).slice(2) as [NodeId, string][]);

  /** Admits a node, which starts with its invitation, and waits until it votes. */
  async function joined(cluster: ReplicaCluster, id: number): Promise<VirtualNode> {
    const node = cluster.node(id);
    node.invited = invitedBy(await ask(cluster, cluster.node(1), add(id)));
    node.start();
    cluster.run(2_000);
    expect(voterIds(cluster.node(1))).toContain(id);
    return node;
  }

  it("needs nothing but its invitation while the members stay the same", async () => {
    const cluster = addressed(3, 1);
    const passes = cluster.passes;
    cluster.passes = (frame) => passes(frame) && frame.kind !== frameKind.address;
    await joined(cluster, 4);
  });

  it("catches up with a leader that was admitted after its invitation", async () => {
    const cluster = addressed(3, 2);
    const late = cluster.node(4);
    late.invited = invitedBy(await ask(cluster, cluster.node(1), add(4)));
    const leader = await joined(cluster, 5);
    await ask(cluster, cluster.node(1), transfer(5));
    late.start();
    cluster.run(3_000);
    expect(cluster.leader).toBe(leader);
    expect(voterIds(leader)).toEqual([1, 2, 3, 4, 5]);
  });

  it("goes on hearing a leader that its first entries do not know", async () => {
    const cluster = addressed(3, 2);
    const client = new VirtualClient(cluster.node(1));
    for (const key of ["a", "b", "c"]) client.send("SET", key, "x".repeat(appendBytesMax));
    cluster.run(500);
    await joined(cluster, 4);
    await ask(cluster, cluster.node(1), transfer(4));
    await joined(cluster, 5);
    expect(cluster.leader).toBe(cluster.node(4));
  });

  it("and that has lost its invitation before it had a log, is found by the others", async () => {
    const cluster = addressed(3, 1);
    await ask(cluster, cluster.node(1), add(4));
    cluster.node(4).start();
    cluster.run(2_000);
    expect(voterIds(cluster.node(1))).toEqual([1, 2, 3, 4]);
  });

  it("is dialled by a member that has not heard of it yet, at the address that it says itself", async () => {
    const cluster = addressed(3, 1);
    const leader = cluster.elect();
    const [behind] = others(cluster, leader).filter(({ isUp }) => isUp) as [VirtualNode];
    const passes = cluster.passes;
    cluster.passes = (frame) => passes(frame) && (frame.to !== behind.id || frame.from === 4);
    const node = cluster.node(4);
    node.invited = invitedBy(await ask(cluster, leader, add(4)));
    node.start();
    cluster.run(1_000);
    expect(memberIds(behind)).not.toContain(4);
    expect(behind.dials.get(asNode(4))).toBe(peerOf(4));
  });

  it("is not dialled because somebody else says so, nor once it was removed, nor are many", async () => {
    const cluster = addressed(3, 1);
    const [first] = cluster.nodes as [VirtualNode];
    const tell = (from: number, id: number) => {
      const words = { id, peer: `h:${id}`, client: "h:1", asks: true };
      first.replica.frame(asNode(from), frameKind.address, Buffer.from(JSON.stringify(words)));
    };
    tell(2, 4);
    expect([...first.dials.keys()]).toEqual([2, 3]);
    tell(4, 4);
    expect(first.dials.get(asNode(4))).toBe("h:4");
    for (let id = 100; id < 200; id++) tell(id, id);
    expect(first.dials.size).toBe(2 + membersMax);
    await joined(cluster, 4);
    await ask(cluster, first, remove(4));
    cluster.run(100);
    tell(4, 4);
    cluster.run(100);
    expect(first.dials.get(asNode(4))).toBeUndefined();
  });
});

describe("RAFT TRANSFER", () => {
  it("is answered at any node when the new leader is known there", async () => {
    const cluster = new ReplicaCluster(3);
    cluster.elect();
    for (const [round, node] of [...cluster.nodes, ...cluster.nodes].entries()) {
      const heir = cluster.node(((round + 1) % 3) + 1);
      expect(await ask(cluster, node, transfer(heir.id))).toEqual(ok);
      expect(node.replica.leader).toBe(heir.id);
      expect(await ask(cluster, node, transfer(heir.id))).toEqual(ok); // Leads already.
    }
  });

  it("without an id goes to the member that is furthest along", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [third] = others(cluster, leader, follower) as [VirtualNode];
    cluster.passes = heartbeatsAloneTo(third.id);
    const client = new VirtualClient(leader);
    for (let each = 0; each < 5; each++) client.send("SET", "a", "x".repeat(100));
    cluster.run(100);
    expect(await ask(cluster, leader, transfer(null))).toEqual(ok);
    expect(leader.replica.leader).toBe(follower.id);
  });

  it("that the heir does not take up is given up after an election timeout, and the leader goes on", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    // It answers heartbeats, but no entry reaches it: it cannot catch up.
    cluster.passes = heartbeatsAloneTo(follower.id);
    const client = new VirtualClient(leader);
    client.send("SET", "a", "x".repeat(100));
    cluster.run(100);
    for (const node of [leader, others(cluster, leader, follower)[0] as VirtualNode]) {
      const asked = node.replica.admin.ask(transfer(follower.id));
      const { reply, afterMs } = await answerTo(cluster, asked);
      expect(reply).toEqual(adminErrors.notTakenOver(follower.id));
      expect(afterMs).toBeLessThan(1_000);
    }
    client.send("SET", "a", "b");
    cluster.run(100);
    expect(client.replies).toEqual([ok, ok]);
  });

  it("that somebody else wins says so", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [third] = others(cluster, leader, follower) as [VirtualNode];
    cluster.passes = heartbeatsAloneTo(follower.id);
    const client = new VirtualClient(leader);
    client.send("SET", "a", "x".repeat(100));
    cluster.run(100);
    const asked = third.replica.admin.ask(transfer(follower.id));
    cluster.run(100);
    leader.crash();
    cluster.elect();
    expect((await answerTo(cluster, asked)).reply).toEqual(adminErrors.anotherLeads(third.id));
  });

  it("to a learner, a stranger, a dead member, or with nobody there is refused", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    await ask(cluster, leader, add(4));
    expect(await ask(cluster, leader, transfer(4))).toEqual(adminErrors.isLearner(4));
    expect(await ask(cluster, leader, transfer(9))).toEqual(adminErrors.noMember(9));
    const [third] = others(cluster, leader, follower) as [VirtualNode];
    third.crash();
    cluster.run(2_000);
    expect(await ask(cluster, leader, transfer(third.id))).toEqual(adminErrors.isSilent(third.id));
    const one = new ReplicaCluster(1);
    expect(await ask(one, one.elect(), transfer(null))).toEqual(adminErrors.noSuccessor);
  });
});

describe("a removed node", () => {
  it("tells its clients, and neither votes nor campaigns", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    dialling(cluster);
    expect(await ask(cluster, follower, remove(leader.id))).toEqual(ok);
    cluster.run(1_000);
    expect(leader.replica.membership.isRemoved).toBe(true);
    const { term } = leader.replica.driver.core;
    const client = new VirtualClient(leader);
    client.send("SET", "a", "1");
    client.send("GET", "a");
    cluster.run(5_000);
    expect(client.replies).toEqual([adminErrors.removed, adminErrors.removed]);
    expect(leader.replica.driver.core).toMatchObject({ term, role: "follower" });
    expect(leader.dials.size).toBe(0);
  });

  it("gives no vote, whoever asks for it", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    await ask(cluster, follower, remove(leader.id));
    cluster.run(1_000);
    const { term, last } = leader.replica.driver.core;
    const vote = {
      ...({ type: "requestVote", pre: false, transfer: true, last } as const),
      ...{ from: follower.id, to: leader.id, term: asTerm(term + 10) },
    };
    leader.replica.frame(follower.id, frameKind.raft, Buffer.concat(encodeMessage(vote)));
    cluster.run(1_000);
    expect(leader.replica.driver.core.term).toBe(term);
    expect(leader.log.hardState.votedFor).not.toBe(follower.id);
  });

  it("that led answers its clients' last writes first, however slow its disk is", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    leader.work = () => {
      const wanted = leader.wantsTurn;
      leader.wantsTurn = false;
      if (wanted) leader.replica.turn();
      return wanted;
    };
    const client = new VirtualClient(leader);
    client.send("INCR", "a");
    const asked = follower.replica.admin.ask(remove(leader.id));
    expect((await answerTo(cluster, asked)).reply).toEqual(ok);
    cluster.run(1_000);
    expect(leader.replica.membership.isRemoved).toBe(true);
    expect(client.replies).toEqual([]);
    leader.work = VirtualNode.prototype.work;
    cluster.run(1_000);
    expect(client.replies).toEqual([1]);
  });

  it("that was down meanwhile hears it from any member, and asks for no vote from then on", async () => {
    const cluster = new ReplicaCluster(3);
    const { leader, follower } = electedFollower(cluster);
    const [away] = others(cluster, leader, follower) as [VirtualNode];
    dialling(cluster);
    away.crash();
    cluster.run(2_000);
    await ask(cluster, leader, remove(away.id));
    expect(follower.replica.membership.hasRemoved(away.id)).toBe(true);
    away.start();
    cluster.run(100);
    expect(away.replica.membership.isRemoved).toBe(false);
    away.replica.removed(follower.id);
    let sent = 0;
    cluster.passes = ({ from }) => {
      if (from === away.id) sent += 1;
      return true;
    };
    cluster.run(5_000);
    expect(sent).toBe(0);
    expect(await ask(cluster, away, remove(away.id))).toEqual(adminErrors.removed);
  });

  it("is not a node that reads of a time before it was admitted", async () => {
    const cluster = new ReplicaCluster(1);
    const founder = cluster.elect();
    const client = new VirtualClient(founder);
    for (const id of [2, 3]) {
      await ask(cluster, founder, add(id));
      startNode(cluster, id);
      cluster.run(1_000);
    }
    await ask(cluster, founder, remove(2));
    await ask(cluster, founder, add(4));
    const joined = startNode(cluster, 4);
    const seen: boolean[] = [];
    for (let each = 0; each < 100; each++) {
      cluster.run(10);
      seen.push(joined.replica.membership.isRemoved);
    }
    expect(seen).not.toContain(true);
    expect(voterIds(joined)).toEqual([1, 3, 4]);
    client.send("INCR", "a");
    cluster.run(100);
    expect(client.replies).toEqual([1]);
  });
});

describe("a member at a new address", () => {
  const moved = (id: number) => ({ peer: `10.0.0.${id}:17000`, client: `10.0.0.${id}:7000` });
  const addressesOn = (node: VirtualNode) =>
    new Map(
      node.replica.driver.core.membership.members.map(({ id, address }) => [
        Number(id),
        decodeAddress(address),
      ]),
    );
  const addressOf = (id: number) => ({ peer: peerOf(id), client: clientOf(id) });

  /** A cluster whose nodes know where they are, and reach only those whose address they know. */
  function addressed(seed = 1): ReplicaCluster {
    const cluster = new ReplicaCluster(3, seed);
    for (const node of cluster.nodes) node.address = addressOf(node.id);
    cluster.elect();
    dialling(cluster);
    return cluster;
  }

  it("is dialled there, and the configuration follows", () => {
    const cluster = addressed();
    const { follower } = electedFollower(cluster);
    follower.crash();
    follower.address = moved(follower.id);
    follower.start();
    cluster.run(3_000);
    for (const node of cluster.nodes) {
      expect(addressesOn(node).get(follower.id)).toEqual(moved(follower.id));
    }
    const client = new VirtualClient(follower);
    client.send("INCR", "a");
    cluster.run(200);
    expect(client.replies).toEqual([1]);
    const reaches = cluster.passes;
    const { index } = follower.replica.driver.core.last;
    let questions = 0;
    cluster.passes = (frame) => {
      if (frame.kind === frameKind.address && frame.body.includes('"asks":true')) questions += 1;
      return reaches(frame);
    };
    cluster.run(5_000);
    expect(questions).toBe(0);
    expect(follower.replica.driver.core.last.index).toBe(index);
  });

  it("is found although the leader moved, or a majority did", () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const cluster = addressed(seed);
      const movers = 1 + (seed % 2);
      const leader = cluster.elect();
      const moving = [leader, ...others(cluster, leader)].slice(0, movers);
      for (const node of moving) {
        node.crash();
        node.address = moved(node.id);
      }
      cluster.run(1_000);
      for (const node of moving) node.start();
      cluster.run(8_000);
      for (const node of cluster.nodes) {
        for (const each of moving) expect(addressesOn(node).get(each.id)).toEqual(moved(each.id));
      }
    }
  });

  it("and back at its old one before the configuration could follow, is dialled there", () => {
    const cluster = addressed();
    const [one, two, three] = cluster.nodes as [VirtualNode, VirtualNode, VirtualNode];
    two.crash();
    three.crash();
    cluster.run(3_000);
    two.address = moved(2);
    two.start();
    // It says where it is, but nobody is elected meanwhile.
    const reaches = cluster.passes;
    cluster.passes = (frame) => frame.kind === frameKind.address && reaches(frame);
    cluster.run(1_000);
    expect(one.dials.get(two.id)).toBe(moved(2).peer);
    two.crash();
    two.address = addressOf(2);
    two.start();
    cluster.passes = reaches;
    cluster.run(5_000);
    expect(one.dials.get(two.id)).toBe(peerOf(2));
    expect(cluster.leader).toBeDefined();
  });

  it("may have given up port 0, or be alone", () => {
    const cluster = new ReplicaCluster(1);
    const node = cluster.elect();
    node.address = moved(1);
    cluster.run(1_000);
    expect(addressesOn(node).get(1)).toEqual(moved(1));
    const { index } = node.replica.driver.core.last;
    cluster.run(5_000);
    expect(node.replica.driver.core.last.index).toBe(index); // Said once, not for ever.
  });

  it("is not believed when it is no address, or no member's", () => {
    const cluster = addressed();
    const { leader, follower } = electedFollower(cluster);
    const { index } = leader.replica.driver.core.last;
    for (const words of [
      "",
      "null",
      "{}",
      '{"id":2}',
      '{"id":9,"peer":"h:1","client":"h:2","asks":false}',
      `{"id":${follower.id},"peer":"h:1","client":"h:2"}`,
      `{"id":${follower.id},"peer":"h","client":"h:2","asks":true}`,
      `{"id":${follower.id},"peer":"h:1","client":"h:0","asks":true}`,
      `{"id":${leader.id},"peer":"h:1","client":"h:2","asks":true}`,
    ]) {
      leader.replica.frame(follower.id, frameKind.address, Buffer.from(words));
      cluster.run(50);
    }
    expect(leader.replica.driver.core.last.index).toBe(index);
    expect([...leader.dials.values()].sort()).toEqual(
      others(cluster, leader)
        .map(({ id }) => peerOf(id))
        .sort(),
    );
  });
});
