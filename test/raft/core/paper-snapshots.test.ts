// One test per statement on snapshots, of the Raft paper (§7) and of the thesis (5.1 to 5.3).

import { describe, expect, test } from "vitest";
import { asIndex, asNode } from "../../../src/raft/core/types.ts";
import {
  accepted,
  appendEntries,
  heartbeat,
  heartbeatReply,
  idOf,
  installSnapshot,
  refused,
  requestVote,
  voteReply,
} from "../../support/raft-messages.ts";
import {
  dataEntry,
  electionTicks,
  heartbeatTicks,
  membershipOf,
  TestNode,
} from "../../support/raft-node.ts";

const three = asNode(3);
const membership = membershipOf(3, [4]);

/** From node 2 in `term`; the snapshot holds a membership of entry 5, with a learner. */
const snapshot = (point: string, term: number, to = 1) =>
  installSnapshot({ from: 2, to, term, point, membership, membershipIndex: 5 });

/** Node 1 leads term 2 with log 1/1 to 1/4 and 2/5, cut behind 1/3; a majority has everything. */
function cutLeader(voters = 3): TestNode {
  const node = new TestNode({ id: 1, voters, log: [1, 1, 1, 1], applied: 4 });
  const helpers = voters === 3 ? [2] : [2, 3];
  node.core.campaign();
  for (const from of helpers)
    node.core.step(voteReply({ from, term: 2, granted: true, pre: true }));
  node.settle();
  for (const from of helpers) node.core.step(voteReply({ from, term: 2, granted: true }));
  node.settle();
  for (const from of helpers) node.core.step(accepted({ from, term: 2, index: 5 }));
  node.settle();
  node.compact(3);
  node.take();
  return node;
}

/** ... and node 3 has nothing. */
function needingLeader(): TestNode {
  const node = cutLeader();
  node.core.step(refused({ from: 3, term: 2, index: 4, hint: "0/0" }));
  node.settle();
  expect(node.snapshots).toEqual([3]);
  expect(stateOf(node)).toBe("snapshot");
  node.snapshots.length = 0;
  node.take();
  return node;
}

const stateOf = (node: TestNode) => node.core.progress().find(({ id }) => id === 3)?.state;

describe("§7 the leader", () => {
  test("§7 names a member once that needs what the log no longer has, and sends it no entries", () => {
    const node = needingLeader();
    node.core.propose([new Uint8Array(1)]);
    node.core.step(heartbeatReply({ from: 3, term: 2 }));
    node.core.step(refused({ from: 3, term: 2, index: 4, hint: "0/0" }));
    node.settle();
    expect(node.snapshots).toEqual([]);
    expect(node.taken("appendEntries").filter(({ to }) => to === 3)).toEqual([]);
  });

  test("§7 goes on with its heartbeats meanwhile", () => {
    const node = needingLeader();
    node.ticks(heartbeatTicks).settle();
    expect(node.taken("heartbeat").map(({ to }) => to)).toEqual([2, 3]);
  });

  test("§7 sends what follows the snapshot when the member has it", () => {
    const node = needingLeader();
    node.core.step(accepted({ from: 3, term: 2, index: 3 }));
    node.settle();
    expect(stateOf(node)).toBe("replicate");
    expect(node.taken("appendEntries")).toMatchObject([
      { to: 3, prev: idOf("1/3"), entries: [{ index: 4 }, { index: 5 }] },
    ]);
  });

  test("§7 goes on waiting when the member acknowledges what is still too old", () => {
    const node = needingLeader();
    node.core.step(accepted({ from: 3, term: 2, index: 2 }));
    node.settle();
    expect(stateOf(node)).toBe("snapshot");
    expect(node.snapshots).toEqual([]);
    expect(node.take()).toEqual([]);
  });

  for (const end of ["snapshotFailed", "unreachable"] as const) {
    test(`§7 after ${end} it asks where the member is, once a heartbeat is answered`, () => {
      const node = needingLeader();
      node.core[end](three);
      node.settle();
      expect(stateOf(node)).toBe("probe");
      expect(node.taken("appendEntries")).toEqual([]);
      node.core.step(heartbeatReply({ from: 3, term: 2 }));
      node.settle();
      expect(node.taken("appendEntries")).toMatchObject([{ to: 3, prev: idOf("2/5") }]);
      node.core.step(refused({ from: 3, term: 2, index: 5, hint: "0/0" }));
      node.settle();
      expect(node.snapshots).toEqual([3]);
    });
  }

  test("§7 a member that has the snapshot after all tells so, and needs no second one", () => {
    const node = needingLeader();
    node.core.snapshotFailed(three);
    node.core.step(heartbeatReply({ from: 3, term: 2 }));
    node.core.step(refused({ from: 3, term: 2, index: 5, hint: "1/3" }));
    node.settle();
    expect(node.snapshots).toEqual([]);
    expect(node.taken("appendEntries").at(-1)).toMatchObject({ prev: idOf("1/3"), to: 3 });
  });

  test("§7 the end of a transfer changes nothing for a member that waits for none", () => {
    const node = cutLeader();
    node.core.step(accepted({ from: 3, term: 2, index: 5 }));
    node.core.snapshotFailed(three);
    expect(stateOf(node)).toBe("replicate");
  });

  test("§7 who no longer leads names nobody: a newer term has begun", () => {
    const node = cutLeader();
    node.core.step(refused({ from: 3, term: 2, index: 4, hint: "0/0" }));
    node.core.step(heartbeat({ from: 2, term: 3 }));
    node.settle();
    expect(node.snapshots).toEqual([]);
  });

  test("§7 who no longer leads names nobody: its own removal is committed", () => {
    const node = cutLeader(4);
    node.core.proposeMembership({ type: "remove", id: node.id });
    node.settle();
    node.core.step(accepted({ from: 2, term: 2, index: 6 }));
    node.core.step(refused({ from: 4, term: 2, index: 4, hint: "0/0" }));
    node.core.step(accepted({ from: 3, term: 2, index: 6 }));
    expect(node.core).toMatchObject({ role: "follower", commit: 6 });
    node.settle();
    expect(node.snapshots).toEqual([]);
  });

  test("§7 a learner gets a snapshot like a voter", () => {
    const node = new TestNode({ id: 1, voters: 1, log: [1, 1, 1], applied: 3 });
    node.core.campaign();
    node.settle();
    node.core.proposeMembership({ type: "addLearner", address: "node-2" });
    node.settle();
    node.compact(4);
    node.take();
    node.core.step(refused({ from: 2, term: 2, index: 5, hint: "0/0" }));
    node.settle();
    expect(node.snapshots).toEqual([2]);
  });

  test("§5.2 a snapshot of another leader of its term is dropped and counted", () => {
    const node = cutLeader();
    node.core.step(snapshot("2/9", 2));
    expect(node.core).toMatchObject({ role: "leader", dropped: 1, commit: 5, installing: null });
  });
});

describe("§7 a follower that takes a snapshot", () => {
  test("§7 drops its log, goes on behind it, and takes its configuration", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 1], term: 4 });
    node.core.step(snapshot("3/9", 4));
    expect(node.core).toMatchObject({ last: idOf("3/9"), commit: 9, membership, leader: 2 });
    node.pump();
    expect(node.saving).toMatchObject({ entries: [], snapshot: { term: 3, index: 9 } });
    expect(node.core.installing).toMatchObject({ index: 9 });
    node.finishSave();
    expect(node.core.installing).toBeNull();
    expect(node.applied).toEqual([]);
    const entries = [dataEntry(10, 4)];
    node.core.step(appendEntries({ from: 2, term: 4, prev: "3/9", entries, commit: 10 }));
    node.settle();
    expect(node.applied).toEqual(entries);
    expect(node.core.membershipPending).toBe(false);
  });

  test("§7 also when it knows no cluster yet, and is only a learner in it", () => {
    const node = new TestNode({ id: 4, voters: 0 });
    node.core.step(snapshot("3/9", 4, 4));
    node.settle();
    expect(node.core).toMatchObject({ last: idOf("3/9"), membership, term: 4 });
    expect(node.hardState.term).toBe(4);
    node.ticks(3 * electionTicks).settle();
    expect(node.core.role).toBe("follower");
  });

  test("§7 only with a configuration, even when it has none that would contradict", () => {
    const node = new TestNode({ id: 4, voters: 0 });
    const route = { from: 2, to: 4, term: 4 };
    node.core.step(installSnapshot({ ...route, point: "3/9", membership, membershipIndex: 0 }));
    expect(node.core).toMatchObject({ dropped: 1, commit: 0, installing: null });
  });

  test("§7 acknowledges it when it is on disk, and not before", () => {
    const node = new TestNode({ id: 1, term: 4 });
    node.core.step(snapshot("3/9", 4));
    node.pump();
    expect(node.take()).toEqual([]);
    node.finishSave();
    expect(node.take()).toMatchObject([{ type: "appendReply", to: 2, index: 9, hint: null }]);
  });

  test("§7 a snapshot that ends below its commit index is ignored: nothing is taken back", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 1], applied: 3 });
    for (const point of ["1/2", "1/3"]) {
      node.core.step(installSnapshot({ from: 2, term: 1, point, membership: membershipOf(3) }));
    }
    node.pump();
    expect(node.saving).toBeNull();
    expect(node.core).toMatchObject({ last: idOf("1/3"), commit: 3 });
    expect(node.take()).toMatchObject([{ type: "appendReply", index: 3, hint: null }]);
  });

  test("thesis 5.3 a log that holds the last entry of the snapshot keeps what follows", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 1, 1, 1] });
    node.core.step(
      installSnapshot({ from: 2, term: 1, point: "1/3", membership: membershipOf(3) }),
    );
    node.settle();
    expect(node.core).toMatchObject({ last: idOf("1/5"), commit: 3, installing: null });
    expect(node.applied.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(node.taken("appendReply")).toMatchObject([{ index: 3 }]);
  });

  test("§7 a log that holds another entry there is dropped as a whole", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 2, 2, 2, 2, 2], term: 4 });
    node.core.step(snapshot("3/6", 4));
    node.settle();
    expect(node.core.last).toEqual(idOf("3/6"));
    expect(node.log.lastIndex).toBe(6);
    expect(node.log.firstIndex).toBe(7);
  });

  test("§5.1 a snapshot of an older term is dropped, and its sender told the newer one", () => {
    for (const role of ["follower", "candidate"] as const) {
      const node = new TestNode({ id: 1, term: role === "follower" ? 5 : 4 });
      if (role === "candidate") {
        node.core.campaign();
        node.core.step(voteReply({ from: 3, term: 5, granted: true, pre: true }));
      }
      node.settle();
      node.take();
      node.core.step(snapshot("3/9", 4));
      expect(node.core).toMatchObject({ role, term: 5, last: idOf("1/1"), installing: null });
      node.settle();
      expect(node.take()).toMatchObject([{ to: 2, term: 5 }]);
    }
  });

  test("§5.2 a candidate that gets a snapshot of its term follows the leader who sent it", () => {
    const node = new TestNode({ id: 1, term: 4 });
    node.core.campaign();
    node.core.step(snapshot("3/9", 4));
    expect(node.core).toMatchObject({ role: "follower", leader: 2, commit: 9 });
  });

  test("§5.1 its term is on disk with the snapshot or before: the log may not be newer than it", () => {
    const node = new TestNode({ id: 1 });
    node.core.step(snapshot("3/9", 4));
    node.pump();
    expect(node.saving).toMatchObject({ hardState: { term: 4 }, snapshot: { index: 9 } });
    expect(node.take()).toEqual([]);
  });

  test("§6 a member that is not in the snapshot's configuration no longer campaigns", () => {
    const node = new TestNode({ id: 5, voters: 5, term: 4 });
    node.core.step(snapshot("3/9", 4, 5));
    node.settle();
    node.ticks(3 * electionTicks).settle();
    expect(node.core).toMatchObject({ role: "follower", term: 4, membership });
  });

  test("§6 entries behind a snapshot that are dropped leave its configuration in force", () => {
    const node = new TestNode({ id: 1, term: 4 });
    node.core.step(snapshot("3/9", 4));
    const own = new TestNode({ id: 9, voters: 1 }).log.entry(asIndex(1));
    if (own === null) throw new Error("a founding entry");
    const change = { ...own, index: asIndex(10), term: node.core.term };
    node.core.step(appendEntries({ from: 2, term: 4, prev: "3/9", entries: [change] }));
    expect(node.core.membership.members).toHaveLength(1);
    node.core.step(
      appendEntries({ from: 3, term: 5, prev: "3/9", entries: [dataEntry(10, 5)], commit: 9 }),
    );
    expect(node.core.membership).toEqual(membership);
    node.settle();
    expect(node.core.membership).toEqual(membership);
  });

  for (const [what, point, index, term] of [
    ["in a newer term than its sender", "5/9", 5, 4],
    ["in an older term than what is committed", "1/9", 5, 4],
    ["with a configuration that is older than the committed one", "3/9", 2, 4],
    ["before its own configuration", "3/9", 10, 4],
    ["without a configuration", "3/9", 0, 4],
    ["with another entry than the committed one", "2/4", 3, 4],
  ] as const) {
    test(`§5.4.3 a snapshot that ends ${what} is dropped and counted`, () => {
      const node = new TestNode({ id: 1, log: [1, 1], term: 3 });
      const changed = membershipOf(3, [4]);
      const entry = { ...dataEntry(3, 3), kind: "membership", data: encoded(changed) } as const;
      const entries = [entry, dataEntry(4, 3)];
      node.core.step(appendEntries({ from: 2, term: 3, prev: "1/2", entries, commit: 4 }));
      node.settle();
      const message = installSnapshot({
        ...{ from: 2, term, point, membership, membershipIndex: index },
      });
      node.core.step(message);
      expect(node.core).toMatchObject({ dropped: 1, commit: 4, last: idOf("3/4") });
      expect(node.core.installing).toBeNull();
    });
  }
});

const encoded = (value: object) => new TextEncoder().encode(JSON.stringify(value));

describe("§7 while a snapshot is being installed", () => {
  /** Node 1 with the install of 3/9 under way. */
  function installing(): TestNode {
    const node = new TestNode({ id: 1, log: [1, 1, 1], term: 4 });
    node.core.step(snapshot("3/9", 4));
    node.pump();
    expect(node.saving?.snapshot).not.toBeNull();
    return node;
  }

  test("§7 nothing of the old log counts: not its terms, not its entries", () => {
    const node = installing();
    node.core.step(appendEntries({ from: 2, term: 4, prev: "1/3", entries: [dataEntry(4, 4)] }));
    node.core.step(heartbeat({ from: 2, term: 4, commit: 9 }));
    node.pump();
    expect(node.applied).toEqual([]);
    expect(node.core.last).toEqual(idOf("3/9"));
    node.core.step(requestVote({ from: 3, term: 5, last: "3/8", transfer: true }));
    node.settle();
    expect(node.taken("voteReply")).toMatchObject([{ granted: false }]);
  });

  test("§7 entries behind it are taken, and acknowledged only when they are on disk too", () => {
    const node = installing();
    const entries = [dataEntry(10, 4), dataEntry(11, 4)];
    node.core.step(appendEntries({ from: 2, term: 4, prev: "3/9", entries, commit: 11 }));
    node.pump();
    expect(node.applied).toEqual([]);
    node.finishSave();
    expect(node.taken("appendReply").map(({ index }) => index)).toEqual([9]);
    expect(node.applied).toEqual([]);
    expect(node.saving?.entries).toEqual(entries);
    node.finishSave();
    expect(node.taken("appendReply").map(({ index }) => index)).toEqual([11]);
    expect(node.applied).toEqual(entries);
  });

  test("§7 entries that came before the install began are promised no earlier", () => {
    const node = new TestNode({ id: 1, term: 4 });
    node.core.step(appendEntries({ from: 2, term: 4, prev: "1/1", entries: [dataEntry(2, 4)] }));
    node.pump();
    node.core.step(snapshot("4/9", 4));
    node.core.step(appendEntries({ from: 2, term: 4, prev: "4/9", entries: [dataEntry(10, 4)] }));
    node.finishSave();
    expect(node.taken("appendReply").map(({ index }) => index)).toEqual([2]);
    expect(node.saving).toMatchObject({ snapshot: { index: 9 }, entries: [] });
    node.finishSave();
    expect(node.take()).toEqual([]);
    expect(node.saving?.entries).toEqual([dataEntry(10, 4)]);
    node.finishSave();
    expect(node.taken("appendReply").map(({ index }) => index)).toEqual([10]);
  });

  test("§7 a save that was in flight before makes no entry behind the snapshot durable", () => {
    const node = new TestNode({ id: 1, term: 4 });
    const old = Array.from({ length: 12 }, (_, at) => dataEntry(at + 2, 4));
    node.core.step(appendEntries({ from: 2, term: 4, prev: "1/1", entries: old }));
    node.pump();
    expect(node.saving?.entries).toHaveLength(12);
    node.core.step(installSnapshot({ from: 3, term: 5, point: "5/9", membership }));
    const entries = [dataEntry(10, 5), dataEntry(11, 5)];
    node.core.step(appendEntries({ from: 3, term: 5, prev: "5/9", entries, commit: 11 }));
    node.finishSave();
    expect(node.core.installing).toMatchObject({ index: 9 });
    expect(node.applied).toEqual([]);
    expect(node.saving).toMatchObject({ snapshot: { index: 9 }, hardState: { term: 5 } });
    node.finishSave();
    expect(node.applied).toEqual([]);
    node.finishSave();
    expect(node.applied).toEqual(entries);
  });

  test("§5.1 a vote is saved and told after it, and asks for a log as new as the snapshot", () => {
    const node = installing();
    node.core.step(requestVote({ from: 3, term: 5, last: "3/9", transfer: true }));
    node.pump();
    expect(node.taken("voteReply")).toEqual([]);
    node.finishSave();
    expect(node.saving).toMatchObject({ hardState: { term: 5, votedFor: 3 }, snapshot: null });
    expect(node.taken("voteReply")).toEqual([]);
    node.finishSave();
    expect(node.taken("voteReply")).toMatchObject([{ to: 3, granted: true, term: 5 }]);
  });

  test("§5.1 after a newer term the old leader gets no acknowledgement that was not yet due", () => {
    const node = new TestNode({ id: 1, term: 4 });
    node.core.step(appendEntries({ from: 2, term: 4, prev: "1/1", entries: [dataEntry(2, 4)] }));
    node.pump();
    node.core.step(snapshot("4/9", 4));
    node.core.step(heartbeat({ from: 3, term: 5 }));
    node.settle();
    expect(node.taken("appendReply").map(({ to, index }) => [to, index])).toEqual([[2, 2]]);
  });

  test("§5.2 a candidate counts no votes of others meanwhile: it has not asked for them yet", () => {
    const node = installing();
    node.core.campaign();
    for (const from of [2, 3]) {
      node.core.step(voteReply({ from, term: 5, granted: true, pre: true }));
      node.core.step(voteReply({ from, term: 5, granted: true }));
    }
    expect(node.core).toMatchObject({ role: "candidate", term: 5 });
    node.pump();
    expect(node.taken("requestVote").every(({ pre }) => pre)).toBe(true);
    node.settle();
    expect(node.core.role).toBe("candidate");
    expect(node.taken("requestVote")).toMatchObject([
      { pre: false, last: idOf("3/9"), to: 2 },
      { pre: false, last: idOf("3/9"), to: 3 },
    ]);
    node.core.step(voteReply({ from: 2, term: 5, granted: true }));
    expect(node.core.role).toBe("leader");
  });

  test("§7 a newer snapshot takes its place, and is installed after it", () => {
    const node = installing();
    node.core.step(snapshot("4/20", 4));
    expect(node.core).toMatchObject({ commit: 20, last: idOf("4/20") });
    node.finishSave();
    expect(node.core.installing).toMatchObject({ index: 20 });
    expect(node.core.last).toEqual(idOf("4/20"));
    expect(node.saving).toMatchObject({ snapshot: { index: 20 } });
    node.finishSave();
    expect(node.core.installing).toBeNull();
    expect(node.log.firstIndex).toBe(21);
  });

  test("§7 the same snapshot once more is acknowledged and not installed twice", () => {
    const node = installing();
    node.core.step(snapshot("3/9", 4));
    node.finishSave();
    node.settle();
    expect(node.saving).toBeNull();
    expect(node.taken("appendReply").every(({ index }) => index === 9)).toBe(true);
  });

  test("§7 a crash before the switch leaves the old log, and the snapshot comes again", () => {
    const node = installing();
    node.crash();
    expect(node.core).toMatchObject({ last: idOf("1/3"), commit: 0, installing: null });
    node.core.step(snapshot("3/9", 4));
    node.settle();
    expect(node.core.last).toEqual(idOf("3/9"));
  });

  test("§7 a crash between switch and log goes on behind the snapshot", () => {
    const node = installing();
    node.writeHardState();
    node.switchState();
    node.crash();
    expect(node.core).toMatchObject({ last: idOf("3/9"), commit: 9, membership });
    expect(node.log.firstIndex).toBe(10);
  });
});

test("§7 a log that was cut below its checkpoint goes on from there after a start", () => {
  const node = new TestNode({ id: 1, log: [1, 1, 2, 2] });
  node.core.step(heartbeat({ from: 2, term: 2 }));
  node.checkpointAt(3);
  node.log.cutBefore(asIndex(3));
  node.crash();
  expect(node.core).toMatchObject({ commit: 3, last: idOf("2/4") });
  node.core.step(appendEntries({ from: 2, term: 2, prev: "1/1", entries: [dataEntry(2, 1)] }));
  node.settle();
  expect(node.taken("appendReply")).toMatchObject([{ index: 3, hint: null }]);
  node.log.cutBefore(asIndex(4));
  expect(() => node.crash()).toThrow("the term of the applied entry 3 is known");
});
