// One test per statement of the Raft paper (§) and of the thesis that the core relies on.

import { describe, expect, test } from "vitest";
import { asIndex, asNode, type Message } from "../../../src/raft/core/types.ts";
import { clusterOf } from "../../support/raft-cluster.ts";
import {
  accepted,
  appendEntries,
  heartbeat,
  heartbeatReply,
  idOf,
  refused,
  requestVote,
  timeoutNow,
  voteReply,
} from "../../support/raft-messages.ts";
import { dataEntry, electionTicks, heartbeatTicks, TestNode } from "../../support/raft-node.ts";
import { candidate, committedLeader, leader } from "../../support/raft-roles.ts";

const text = (words: string): Uint8Array => new TextEncoder().encode(words);

const types = (messages: readonly Message[]): readonly string[] =>
  messages.map(({ type, to }) => `${type}>${to}`);

describe("§5.1 terms", () => {
  for (const role of ["follower", "candidate", "leader"] as const) {
    test(`§5.1 a ${role} that sees a newer term enters it as a follower`, () => {
      const node =
        role === "follower" ? new TestNode({ id: 1 }) : role === "leader" ? leader() : candidate();
      node.core.step(appendEntries({ from: 2, term: 9, prev: "1/1" }));
      expect(node.core).toMatchObject({ role: "follower", term: 9, leader: 2 });
    });
  }

  test("§5.1 a message of an older term changes nothing", () => {
    const node = new TestNode({ id: 1, term: 5 });
    node.core.step(appendEntries({ from: 2, term: 4, prev: "1/1", entries: [dataEntry(2, 4)] }));
    node.settle();
    expect(node.core.last).toEqual(idOf("1/1"));
    expect(node.core.leader).toBeNull();
  });

  test("§5.1 a leader of an older term is told the newer one, so that it steps down", () => {
    const node = new TestNode({ id: 1, term: 5 });
    node.core.step(appendEntries({ from: 2, term: 4, prev: "1/1" }));
    node.core.step(heartbeat({ from: 2, term: 4 }));
    node.settle();
    expect(node.take()).toMatchObject([
      { type: "heartbeatReply", to: 2, term: 5, round: 0 },
      { type: "heartbeatReply", to: 2, term: 5, round: 0 },
    ]);
    const old = leader();
    old.core.step(heartbeatReply({ from: 2, term: 5 }));
    expect(old.core).toMatchObject({ role: "follower", term: 5 });
  });

  test("§5.1 a request for votes of an older term is refused with the newer one", () => {
    const node = new TestNode({ id: 1, term: 5 });
    node.core.step(requestVote({ from: 2, term: 4, last: "9/9" }));
    node.core.step(requestVote({ from: 2, term: 4, last: "9/9", pre: true }));
    node.settle();
    expect(node.take()).toMatchObject([
      { type: "voteReply", pre: false, granted: false, term: 5 },
      { type: "voteReply", pre: true, granted: false, term: 5 },
    ]);
  });

  test("§5.1 a node starts as a follower with the term and the vote from its disk", () => {
    const node = new TestNode({ id: 1, term: 7, votedFor: 3 });
    expect(node.core).toMatchObject({ role: "follower", term: 7, leader: null });
    node.core.step(requestVote({ from: 2, term: 7, last: "9/9" }));
    node.settle();
    expect(node.taken("voteReply")).toMatchObject([{ granted: false }]);
  });

  test("§5.1 a vote leaves only after term and vote are on disk", () => {
    const node = new TestNode({ id: 1 });
    node.core.step(requestVote({ from: 2, term: 2, last: "1/1" }));
    node.pump();
    expect(node.take()).toEqual([]);
    expect(node.saving).toMatchObject({ hardState: { term: 2, votedFor: 2 } });
    node.finishSave();
    expect(node.take()).toMatchObject([{ type: "voteReply", granted: true, term: 2, to: 2 }]);
  });

  test("§5.1 a crash between vote and disk forgets the vote, and nobody was told of it", () => {
    const node = new TestNode({ id: 1 });
    node.core.step(requestVote({ from: 2, term: 2, last: "1/1" }));
    node.pump();
    expect(node.take()).toEqual([]);
    node.crash();
    node.core.step(requestVote({ from: 3, term: 2, last: "1/1" }));
    node.settle();
    expect(node.take()).toMatchObject([{ granted: true, to: 3 }]);
  });
});

describe("§5.2 elections", () => {
  test("§5.2 a follower that hears no leader for its timeout begins to campaign", () => {
    const node = new TestNode({ id: 1 });
    node.ticks(electionTicks - 1).settle();
    expect(node.core.role).toBe("follower");
    node.ticks(1).settle();
    expect(node.core.role).toBe("preCandidate");
  });

  test("§5.2 timeouts are spread over one whole election timeout", () => {
    for (const [chance, ticks] of [
      [0, electionTicks],
      [0.5, electionTicks * 1.5],
      [0.999, electionTicks * 2 - 1],
    ] as const) {
      const node = new TestNode({ id: 1, random: () => chance });
      node.ticks(ticks - 1);
      expect(node.core.role).toBe("follower");
      node.ticks(1);
      expect(node.core.role).toBe("preCandidate");
    }
  });

  test("§5.2 each message of the leader restarts the follower's timeout", () => {
    const node = new TestNode({ id: 1, term: 1 });
    for (let times = 0; times < 5; times += 1) {
      node.ticks(electionTicks - 1);
      node.core.step(
        times % 2 === 0
          ? heartbeat({ from: 2, term: 1 })
          : appendEntries({ from: 2, term: 1, prev: "1/1" }),
      );
    }
    expect(node.core).toMatchObject({ role: "follower", leader: 2 });
  });

  test("§5.2 a candidate enters a new term, votes for itself, and asks all other voters", () => {
    const node = candidate(3);
    expect(node.hardState).toEqual({ term: 2, votedFor: 1 });
    expect(node.taken("requestVote").filter(({ pre }) => !pre)).toMatchObject([
      { to: 2, term: 2, last: idOf("1/1"), transfer: false },
      { to: 3, term: 2, last: idOf("1/1"), transfer: false },
    ]);
  });

  test("§5.2 a candidate asks, and counts its own vote, only after its disk has it", () => {
    const node = new TestNode({ id: 1 });
    node.core.campaign();
    node.settle();
    node.take();
    node.core.step(voteReply({ from: 2, term: 2, granted: true, pre: true }));
    node.pump();
    expect(node.core.role).toBe("candidate");
    expect(node.take()).toEqual([]);
    node.core.step(voteReply({ from: 2, term: 2, granted: true }));
    expect(node.core.role).toBe("candidate");
    node.settle();
    expect(node.core.role).toBe("leader");
  });

  for (const [voters, votes, won] of [
    [3, 0, false],
    [3, 1, true],
    [5, 1, false],
    [5, 2, true],
    [4, 1, false],
    [4, 2, true],
  ] as const) {
    test(`§5.2 ${votes} votes of others among ${voters} voters ${won ? "win" : "do not win"}`, () => {
      const node = candidate(voters);
      for (let id = 2; id < 2 + votes; id += 1) {
        node.core.step(voteReply({ from: id, term: 2, granted: true }));
        node.core.step(voteReply({ from: id, term: 2, granted: true }));
      }
      expect(node.core.role).toBe(won ? "leader" : "candidate");
    });
  }

  test("§5.2 refused by a majority, a candidate is a follower again", () => {
    const node = candidate(3);
    node.core.step(voteReply({ from: 2, term: 2, granted: false }));
    expect(node.core.role).toBe("candidate");
    node.core.step(voteReply({ from: 3, term: 2, granted: false }));
    expect(node.core).toMatchObject({ role: "follower", term: 2 });
  });

  test("§5.2 votes of learners and strangers count for nothing", () => {
    const node = new TestNode({ id: 1, voters: 3, learners: [4] });
    node.core.campaign();
    for (const id of [4, 9]) {
      node.core.step(voteReply({ from: id, term: 2, granted: true, pre: true }));
    }
    expect(node.core.role).toBe("preCandidate");
  });

  test("§5.2 a node gives one vote per term, and repeats it to the same candidate", () => {
    const node = new TestNode({ id: 1 });
    for (const from of [2, 3, 2]) node.core.step(requestVote({ from, term: 2, last: "1/1" }));
    node.settle();
    const replies = node.taken("voteReply").map(({ to, granted }) => [to, granted]);
    expect(replies).toContainEqual([2, true]);
    expect(replies).toContainEqual([3, false]);
    expect(replies).not.toContainEqual([3, true]);
  });

  test("§5.2 a vote survives a crash", () => {
    const node = new TestNode({ id: 1 });
    node.core.step(requestVote({ from: 2, term: 2, last: "1/1" }));
    node.settle();
    node.take();
    node.crash();
    node.core.step(requestVote({ from: 3, term: 2, last: "1/1" }));
    node.settle();
    expect(node.take()).toMatchObject([{ granted: false, to: 3, term: 2 }]);
  });

  test("§5.2 a candidate that hears a leader of its term follows it", () => {
    for (const message of [
      appendEntries({ from: 2, term: 2, prev: "1/1" }),
      heartbeat({ from: 2, term: 2 }),
    ]) {
      const node = candidate(3);
      node.core.step(message);
      expect(node.core).toMatchObject({ role: "follower", leader: 2, term: 2 });
    }
  });

  test("§5.2 a candidate without a majority tries again in a later term", () => {
    const node = candidate(3);
    node.ticks(electionTicks).settle();
    node.core.step(voteReply({ from: 2, term: 3, granted: true, pre: true }));
    node.settle();
    expect(node.core).toMatchObject({ role: "candidate", term: 3 });
  });

  test("§5.2 a new leader makes itself known at once, and then with every heartbeat timeout", () => {
    const node = leader(3);
    expect(types(node.taken("heartbeat"))).toEqual(["heartbeat>2", "heartbeat>3"]);
    node.ticks(heartbeatTicks - 1).settle();
    expect(node.taken("heartbeat")).toEqual([]);
    node.ticks(1).settle();
    expect(types(node.taken("heartbeat"))).toEqual(["heartbeat>2", "heartbeat>3"]);
  });

  test("§5.2 a cluster of one elects itself at once, when its vote is on disk", () => {
    const node = new TestNode({ id: 1, voters: 1 });
    node.core.campaign();
    expect(node.core.role).toBe("candidate");
    node.pump();
    expect(node.core.role).toBe("candidate");
    node.settle();
    expect(node.core).toMatchObject({ role: "leader", term: 2, commit: 2 });
    const late = new TestNode({ id: 1, voters: 1 });
    late.ticks(electionTicks).settle();
    expect(late.core.role).toBe("leader");
  });

  test("§5.2 a second leader of one term is not listened to", () => {
    const node = new TestNode({ id: 1, term: 2 });
    node.core.step(heartbeat({ from: 2, term: 2 }));
    node.core.step(appendEntries({ from: 3, term: 2, prev: "1/1", entries: [dataEntry(2, 2)] }));
    expect(node.core).toMatchObject({ leader: 2, last: idOf("1/1"), dropped: 1 });
    const leading = leader(3);
    leading.core.step(heartbeat({ from: 3, term: 2 }));
    expect(leading.core).toMatchObject({ role: "leader", dropped: 1 });
  });
});

describe("§5.3 log replication", () => {
  test("§5.3 a leader appends and sends in the same turn, before its own disk is done", () => {
    const node = committedLeader(3);
    const ids = node.core.propose([text("a"), text("b")]);
    expect(ids).toMatchObject([idOf("2/3"), idOf("2/4")]);
    node.pump();
    expect(node.saving?.entries).toHaveLength(2);
    expect(node.taken("appendEntries")).toMatchObject([
      { to: 2, prev: idOf("2/2"), entries: [{ kind: "data" }, { kind: "data" }] },
      { to: 3, prev: idOf("2/2"), entries: [{ kind: "data" }, { kind: "data" }] },
    ]);
  });

  test("§5.3 an entry is committed once a majority has it on disk", () => {
    const node = committedLeader(5);
    node.core.propose([text("a")]);
    node.settle();
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    expect(node.core.commit).toBe(2);
    node.core.step(accepted({ from: 3, term: 2, index: 3 }));
    expect(node.core.commit).toBe(3);
  });

  test("§5.3 the leader's own disk counts only when its write is done (thesis 10.2.1)", () => {
    const node = committedLeader(3);
    node.core.propose([text("a")]);
    node.pump();
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    expect(node.core.commit).toBe(2);
    node.finishSave();
    expect(node.core.commit).toBe(3);
  });

  test("§5.3 two followers commit without the leader's disk, which applies only what it has", () => {
    const node = committedLeader(3);
    const before = node.applied.length;
    node.core.propose([text("a")]);
    node.pump();
    for (const from of [2, 3]) node.core.step(accepted({ from, term: 2, index: 3 }));
    node.pump();
    expect(node.core.commit).toBe(3);
    expect(node.applied).toHaveLength(before);
    node.finishSave();
    expect(node.applied).toHaveLength(before + 1);
  });

  test("§5.3 followers learn of a new commit index at once", () => {
    const node = committedLeader(3);
    node.core.propose([text("a")]);
    node.settle();
    node.take();
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    node.settle();
    expect(node.taken("appendEntries")).toMatchObject([
      { to: 2, commit: 3, entries: [], prev: idOf("2/3") },
      { to: 3, commit: 3, entries: [], prev: idOf("2/3") },
    ]);
  });

  test("§5.3 a follower applies what the leader says is committed, in order, each once", () => {
    const node = new TestNode({ id: 1, term: 1 });
    const entries = [dataEntry(2, 1), dataEntry(3, 1)];
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/1", entries, commit: 2 }));
    node.settle();
    expect(node.applied.map(({ index }) => index)).toEqual([1, 2]);
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/3", commit: 3 }));
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/3", commit: 3 }));
    node.settle();
    expect(node.applied.map(({ index }) => index)).toEqual([1, 2, 3]);
  });

  test("§5.3 a follower applies nothing that its own disk does not have", () => {
    const node = new TestNode({ id: 1, term: 1 });
    const entries = [dataEntry(2, 1)];
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/1", entries, commit: 2 }));
    node.pump();
    expect(node.core.commit).toBe(2);
    expect(node.applied.map(({ index }) => index)).toEqual([1]);
    node.finishSave();
    expect(node.applied.map(({ index }) => index)).toEqual([1, 2]);
  });

  test("§5.3 after a restart only what was not applied is handed out", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 1], applied: 2 });
    expect(node.core.commit).toBe(2);
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/3", commit: 3 }));
    node.settle();
    expect(node.applied.map(({ index }) => index)).toEqual([3]);
  });

  test("§5.3 the commit index of a follower ends where its agreement with the leader ends", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 1, 1] });
    const entries = [dataEntry(2, 1)];
    node.core.step(appendEntries({ from: 2, term: 2, prev: "1/1", entries, commit: 4 }));
    expect(node.core.commit).toBe(2);
  });

  test("§5.3 an accepted append is acknowledged only after the disk has it", () => {
    const node = new TestNode({ id: 1, term: 1 });
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/1", entries: [dataEntry(2, 1)] }));
    node.pump();
    expect(node.take()).toEqual([]);
    node.finishSave();
    expect(node.take()).toMatchObject([{ type: "appendReply", index: 2, hint: null, to: 2 }]);
  });

  test("§5.3 what is on disk already is acknowledged at once", () => {
    const node = new TestNode({ id: 1, log: [1, 1] });
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/1", entries: [dataEntry(2, 1)] }));
    node.pump();
    expect(node.saving).toBeNull();
    expect(node.take()).toMatchObject([{ type: "appendReply", index: 2, hint: null }]);
  });

  test("§5.3 a duplicate is not acknowledged before the save that covers the first one", () => {
    const node = new TestNode({ id: 1, term: 1 });
    const append = appendEntries({ from: 2, term: 1, prev: "1/1", entries: [dataEntry(2, 1)] });
    node.core.step(append);
    node.pump();
    node.core.step(append);
    node.pump();
    expect(node.take()).toEqual([]);
    node.finishSave();
    expect(node.taken("appendReply").every(({ index }) => index === 2)).toBe(true);
  });

  test("§5.3 a save that was overtaken by a truncation makes the new entries durable for nobody", () => {
    const node = new TestNode({ id: 1, term: 1 });
    node.core.step(
      appendEntries({ from: 2, term: 1, prev: "1/1", entries: [dataEntry(2, 1), dataEntry(3, 1)] }),
    );
    node.pump();
    node.core.step(
      appendEntries({ from: 3, term: 2, prev: "1/2", entries: [dataEntry(3, 2)], commit: 3 }),
    );
    node.pump();
    expect(node.taken("appendReply")).toEqual([]);
    const first = node.saving;
    node.finishSave();
    expect(node.taken("appendReply").map(({ to, index }) => [to, index])).toEqual([[2, 3]]);
    expect(node.saving?.sequence).toBe((first?.sequence ?? 0) + 1);
    expect(node.saving?.entries).toEqual([dataEntry(3, 2)]);
    expect(node.applied.map(({ index }) => index)).toEqual([1, 2]);
    node.finishSave();
    expect(node.taken("appendReply").map(({ to, index }) => [to, index])).toEqual([[3, 3]]);
    expect(node.applied.at(-1)).toEqual(dataEntry(3, 2));
  });

  test("§5.3 an append behind a missing entry is refused with a hint", () => {
    const node = new TestNode({ id: 1, log: [1, 1] });
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/5", entries: [dataEntry(6, 1)] }));
    node.settle();
    expect(node.take()).toMatchObject([{ type: "appendReply", index: 5, hint: idOf("1/2") }]);
  });

  test("§5.3 the hint of a refusal skips whole terms that the leader cannot have", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 3, 3, 3, 3], term: 4 });
    node.core.step(appendEntries({ from: 2, term: 4, prev: "2/5" }));
    node.settle();
    expect(node.take()).toMatchObject([{ type: "appendReply", index: 5, hint: idOf("1/2") }]);
  });

  test("§5.3 a leader steps back to where its own terms can agree with the hint", () => {
    const node = leader(3, [1, 1, 2, 2, 2, 2, 5, 5]);
    node.take();
    node.core.step(refused({ from: 2, term: 6, index: 8, hint: "4/6" }));
    node.settle();
    expect(node.taken("appendEntries").find(({ to }) => to === 2)?.prev).toEqual(idOf("2/6"));
    node.core.step(refused({ from: 2, term: 6, index: 6, hint: "1/6" }));
    node.settle();
    expect(node.taken("appendEntries").find(({ to }) => to === 2)?.prev).toEqual(idOf("1/2"));
  });

  test("§5.3 a late refusal does not move a leader back", () => {
    const node = committedLeader(3);
    node.core.step(refused({ from: 2, term: 2, index: 1, hint: "0/0" }));
    node.settle();
    expect(node.taken("appendEntries")).toEqual([]);
  });

  test("§5.3 a conflicting tail is replaced by the leader's entries", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 2, 2, 2] });
    node.core.step(appendEntries({ from: 2, term: 3, prev: "1/2", entries: [dataEntry(3, 3)] }));
    node.settle();
    expect(node.core.last).toEqual(idOf("3/3"));
    expect(node.log.lastIndex).toBe(3);
    expect(node.log.term(node.core.last.index)).toBe(3);
  });

  test("§5.3 a late, shorter append does not shorten the log", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 1, 1] });
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/1", entries: [dataEntry(2, 1)] }));
    node.settle();
    expect(node.core.last).toEqual(idOf("1/4"));
  });

  test("§5.3 logs of Figure 7 all become the leader's log", () => {
    const leaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    for (const log of [
      [1, 1, 1, 4, 4, 5, 5, 6, 6],
      [1, 1, 1, 4],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      [1, 1, 1, 4, 4, 4, 4],
      [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    ]) {
      const cluster = clusterOf(3, { log: leaderLog, term: 7 });
      const follower = cluster.add({ id: 2, log, term: 7 });
      cluster.elect(1);
      cluster.tickAll(heartbeatTicks);
      const all = cluster.node(1).log;
      expect(follower.core.last).toEqual({ term: 8, index: 11 });
      for (let index = 1; index <= 11; index += 1)
        expect(follower.log.term(asIndex(index))).toBe(all.term(asIndex(index)));
    }
  });

  test("§5.3 an append that contradicts what is committed is dropped and counted", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 1], applied: 3 });
    node.core.step(
      appendEntries({ from: 2, term: 2, prev: "1/1", entries: [dataEntry(2, 2), dataEntry(3, 2)] }),
    );
    node.core.step(appendEntries({ from: 2, term: 2, prev: "2/3" }));
    node.settle();
    expect(node.core).toMatchObject({ last: idOf("1/3"), dropped: 2 });
    expect(node.taken("appendReply")).toEqual([]);
  });

  test("§5.3 an append from before the commit index is acknowledged as far as is committed", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 1], applied: 3 });
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/1", entries: [dataEntry(2, 1)] }));
    node.settle();
    expect(node.taken("appendReply")).toMatchObject([{ index: 3, hint: null }]);
  });

  test("§5.3 a follower that answered once gets entries ahead of its answers, within the window", () => {
    const node = committedLeader(3);
    for (let times = 0; times < 20; times += 1) {
      node.core.propose([text("a")]);
      node.settle();
    }
    const sent = node.taken("appendEntries").filter(({ to }) => to === 2);
    expect(sent).toHaveLength(8);
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    node.settle();
    expect(
      node.taken("appendEntries").some(({ to, entries }) => to === 2 && entries.length > 0),
    ).toBe(true);
  });

  test("§5.3 the window is bounded in bytes too, and one message by its own limit", () => {
    const node = committedLeader(3);
    node.core.propose(Array.from({ length: 20 }, () => new Uint8Array(500)));
    node.settle();
    const sent = node.taken("appendEntries").filter(({ to }) => to === 2);
    expect(sent.map(({ entries }) => entries.length)).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    node.core.propose([new Uint8Array(3000)]);
    node.settle();
    expect(node.core.uncommittedBytes).toBe(13_000);
  });

  test("§5.3 an unknown follower gets one message at a time", () => {
    const node = leader(3);
    expect(node.taken("appendEntries").filter(({ to }) => to === 2)).toHaveLength(1);
    node.core.propose([text("a")]);
    node.settle();
    expect(node.taken("appendEntries")).toEqual([]);
  });

  test("§5.3 a lost append is asked about after a heartbeat interval, and sent again when it is missed", () => {
    const node = committedLeader(3);
    node.core.propose([text("a")]);
    node.settle();
    node.take();
    node.ticks(2 * heartbeatTicks).settle();
    node.take();
    node.core.step(heartbeatReply({ from: 2, term: 2 }));
    node.settle();
    expect(node.taken("appendEntries")).toMatchObject([
      { to: 2, prev: idOf("2/3"), entries: [], probe: true },
    ]);
    node.core.step(refused({ from: 2, term: 2, index: 3, hint: "2/2" }));
    node.settle();
    expect(node.taken("appendEntries")).toMatchObject([
      { to: 2, prev: idOf("2/2"), entries: [{}] },
    ]);
  });

  test("§5.3 an unreachable follower is left alone until it answers a heartbeat", () => {
    const node = committedLeader(3);
    node.core.unreachable(asNode(2));
    node.core.propose([text("a")]);
    node.settle();
    expect(types(node.taken("appendEntries"))).toEqual(["appendEntries>3"]);
    node.core.step(heartbeatReply({ from: 2, term: 2 }));
    node.settle();
    expect(node.taken("appendEntries")).toMatchObject([
      { to: 2, prev: idOf("2/2"), entries: [{}] },
    ]);
  });

  test("§5.3 a heartbeat claims no more than the follower has acknowledged", () => {
    const node = leader(3);
    node.core.step(accepted({ from: 2, term: 2, index: 2 }));
    node.settle();
    node.take();
    node.ticks(heartbeatTicks).settle();
    expect(node.taken("heartbeat").map(({ to, commit }) => [to, commit])).toEqual([
      [2, 2],
      [3, 0],
    ]);
  });
});

describe("§5.4 safety", () => {
  for (const [last, granted] of [
    ["2/3", true],
    ["2/4", true],
    ["3/1", true],
    ["2/2", false],
    ["1/9", false],
  ] as const) {
    test(`§5.4.1 a voter whose last entry is 2/3 ${granted ? "elects" : "refuses"} a candidate with ${last}`, () => {
      const node = new TestNode({ id: 1, log: [1, 1, 2] });
      for (const pre of [true, false]) node.core.step(requestVote({ from: 2, term: 5, last, pre }));
      node.settle();
      const replies = node.taken("voteReply");
      expect(replies).toHaveLength(2);
      for (const reply of replies) expect(reply.granted).toBe(granted);
    });
  }

  test("§5.4.2 copies of an older term's entry commit nothing, an entry of the own term all before it", () => {
    const node = leader(3, [1, 1, 2]);
    expect(node.core.last).toEqual(idOf("3/4"));
    node.core.step(accepted({ from: 2, term: 3, index: 3 }));
    node.core.step(accepted({ from: 3, term: 3, index: 3 }));
    expect(node.core.commit).toBe(0);
    node.core.step(accepted({ from: 2, term: 3, index: 4 }));
    expect(node.core.commit).toBe(4);
  });

  test("§5.1 a node that no longer has what it acknowledged does nothing any more", () => {
    const node = new TestNode({ id: 1, log: [1, 1, 1] });
    // A leader's heartbeat claims at most what this node has acknowledged to it.
    node.core.step(heartbeat({ from: 2, term: 1, commit: 4 }));
    expect(node.core.lostUpTo).toBe(4);
    node.core.step(requestVote({ from: 3, term: 2, last: "1/9" }));
    node.core.step(appendEntries({ from: 2, term: 1, prev: "1/3", entries: [dataEntry(4, 1)] }));
    node.core.campaign();
    node.ticks(5 * electionTicks).settle();
    expect(node.take()).toEqual([]);
    expect(node.core).toMatchObject({ role: "follower", term: 1, last: { index: 3 } });
  });

  test("§5.4.3 acknowledgements beyond the leader's log are dropped and counted", () => {
    const node = leader(3);
    node.core.step(accepted({ from: 2, term: 2, index: 99 }));
    expect(node.core).toMatchObject({ commit: 0, dropped: 1 });
  });
});

describe("§8 clients", () => {
  test("§8 a new leader appends a no-op of its own term", () => {
    const node = leader(3, [1, 1]);
    expect(node.log.entry(node.core.last.index)).toMatchObject({ kind: "noop", term: 2, index: 3 });
  });

  test("§8 proposals are refused by everybody but the leader", () => {
    const node = new TestNode({ id: 1 });
    expect(node.core.propose([text("a")])).toBeNull();
    expect(node.core.readIndex()).toBeNull();
    expect(node.core.transfer(asNode(2))).toBe("this node does not lead");
    expect(node.core.proposeMembership({ type: "remove", id: asNode(2) })).toBe(
      "this node does not lead",
    );
  });
});

describe("thesis 3.10 leadership transfer", () => {
  test("thesis 3.10 a member that has every entry is told to campaign at once", () => {
    const node = committedLeader(3);
    expect(node.core.transfer(asNode(2))).toBeNull();
    node.settle();
    expect(types(node.taken("timeoutNow"))).toEqual(["timeoutNow>2"]);
  });

  test("thesis 3.10 a member that lags is told only when it has every entry", () => {
    const node = committedLeader(3);
    node.core.propose([text("a")]);
    node.core.transfer(asNode(2));
    node.settle();
    expect(node.taken("timeoutNow")).toEqual([]);
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    node.settle();
    expect(types(node.taken("timeoutNow"))).toEqual(["timeoutNow>2"]);
  });

  test("thesis 3.10 no proposals while leadership is being transferred, and again when given up", () => {
    const node = committedLeader(3);
    node.core.transfer(asNode(2));
    expect(node.core.propose([text("a")])).toBeNull();
    expect(node.core.transfer(asNode(3))).toBe("another transfer is under way");
    node.core.step(heartbeatReply({ from: 3, term: 2 }));
    node.ticks(electionTicks);
    expect(node.core.role).toBe("leader");
    expect(node.core.propose([text("a")])).toHaveLength(1);
  });

  test("thesis 3.10 only another voter can take over", () => {
    const node = new TestNode({ id: 1, voters: 1, learners: [2] });
    node.core.campaign();
    node.settle();
    expect(node.core.transfer(asNode(1))).toBe("this node leads already");
    expect(node.core.transfer(asNode(2))).toBe("no such voter");
    expect(node.core.transfer(asNode(7))).toBe("no such voter");
  });

  test("thesis 3.10 the heir campaigns without asking beforehand, and is answered despite a leader", () => {
    const heir = new TestNode({ id: 2, term: 1 });
    heir.core.step(heartbeat({ from: 1, to: 2, term: 1 }));
    heir.core.step(timeoutNow({ from: 1, to: 2, term: 1 }));
    heir.settle();
    const asked = heir.taken("requestVote");
    expect(asked).toMatchObject([
      { to: 1, term: 2, pre: false, transfer: true },
      { to: 3, term: 2, pre: false, transfer: true },
    ]);
    const voter = new TestNode({ id: 3, term: 1 });
    voter.core.step(heartbeat({ from: 1, to: 3, term: 1 }));
    for (const message of asked) if (message.to === 3) voter.core.step(message);
    voter.settle();
    expect(voter.taken("voteReply")).toMatchObject([{ granted: true, to: 2, term: 2 }]);
  });

  test("thesis 3.10 a learner is not moved to campaign", () => {
    const node = new TestNode({ id: 4, voters: 3, learners: [4] });
    node.core.step(timeoutNow({ from: 1, to: 4, term: 1 }));
    expect(node.core.role).toBe("follower");
  });
});

describe("§6 and thesis 4: membership", () => {
  const add = { type: "addLearner", address: "new" } as const;

  test("thesis 4.1 no change before the leader has committed an entry of its own term", () => {
    const node = leader(3, [1, 1]);
    expect(node.core.proposeMembership(add)).toBe("the new leader has not committed an entry yet");
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    expect(node.core.proposeMembership(add)).toMatchObject(idOf("2/4"));
  });

  test("thesis 4.1 one change at a time", () => {
    const node = committedLeader(3);
    node.core.proposeMembership(add);
    expect(node.core.membershipPending).toBe(true);
    expect(node.core.proposeMembership({ type: "remove", id: asNode(3) })).toBe(
      "another change is under way",
    );
    node.settle();
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    expect(node.core.membershipPending).toBe(false);
    expect(node.core.proposeMembership({ type: "remove", id: asNode(3) })).toMatchObject({});
  });

  test("thesis 4.1 a change takes effect when it is appended", () => {
    const node = committedLeader(3);
    node.core.proposeMembership(add);
    expect(node.core.membership.members.at(-1)).toEqual({ id: 4, voter: false, address: "new" });
    expect(node.core.membership.nextId).toBe(5);
    node.settle();
    expect(node.taken("appendEntries").some(({ to }) => to === 4)).toBe(true);
  });

  test("thesis 4.1 a change is rolled back when its entry is overwritten", () => {
    const source = committedLeader(3);
    source.core.proposeMembership(add);
    source.settle();
    const entry = source.log.entry(source.core.last.index);
    const node = new TestNode({ id: 1, log: [1, 2], applied: 1 });
    node.core.step(appendEntries({ from: 2, term: 2, prev: "2/2", entries: entry ? [entry] : [] }));
    node.settle();
    expect(node.core.membership.members).toHaveLength(4);
    node.core.step(appendEntries({ from: 3, term: 3, prev: "2/2", entries: [dataEntry(3, 3)] }));
    expect(node.core.membership.members).toHaveLength(3);
    expect(node.core.membershipPending).toBe(false);
    node.settle();
    node.crash(1);
    expect(node.core.membership.members).toHaveLength(3);
  });

  test("thesis 4.2.1 a learner gets the log and counts for nothing", () => {
    const node = new TestNode({ id: 1, voters: 2, learners: [3, 4] });
    node.core.campaign();
    node.core.step(voteReply({ from: 2, term: 2, granted: true, pre: true }));
    node.settle();
    node.core.step(voteReply({ from: 2, term: 2, granted: true }));
    node.settle();
    expect(types(node.taken("appendEntries"))).toContain("appendEntries>3");
    for (const from of [3, 4]) node.core.step(accepted({ from, term: 2, index: 2 }));
    expect(node.core.commit).toBe(0);
    node.core.step(accepted({ from: 2, term: 2, index: 2 }));
    expect(node.core.commit).toBe(2);
  });

  test("thesis 4.2.1 a learner is promoted only after it has got the configuration", () => {
    const cluster = clusterOf(1);
    const node = cluster.elect(1);
    node.core.proposeMembership(add);
    node.settle();
    const promote = { type: "promote", id: asNode(2) } as const;
    expect(node.core.proposeMembership(promote)).toBe("the learner has not caught up yet");
    cluster.add({ id: 2, voters: 0 });
    cluster.tickAll(heartbeatTicks);
    expect(node.core.progress()).toMatchObject([
      { id: 1, state: "replicate", active: true },
      { id: 2, state: "replicate", match: 3 },
    ]);
    expect(node.core.proposeMembership(promote)).toMatchObject({ index: 4 });
    cluster.deliver();
    expect(cluster.node(2).core.membership.members).toMatchObject([
      { voter: true },
      { voter: true },
    ]);
    expect(node.core.proposeMembership(promote)).toBe("the member is a voter already");
  });

  test("thesis 4.2.1 nobody's election timeout makes a learner or a node without a cluster campaign", () => {
    for (const node of [
      new TestNode({ id: 4, voters: 3, learners: [4] }),
      new TestNode({ id: 5, voters: 3 }),
      new TestNode({ id: 1, voters: 0 }),
    ]) {
      node.ticks(5 * electionTicks);
      node.core.campaign();
      node.settle();
      expect(node.core.role).toBe("follower");
      expect(node.take()).toEqual([]);
    }
  });

  test("thesis 4.2.2 a leader that removes itself does not count itself, and leaves when that is committed", () => {
    const node = committedLeader(3);
    node.core.proposeMembership({ type: "remove", id: asNode(1) });
    node.settle();
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    expect(node.core).toMatchObject({ role: "leader", commit: 2 });
    expect(node.core.propose([text("a")])).toBeNull();
    node.take();
    node.core.step(accepted({ from: 3, term: 2, index: 3 }));
    node.settle();
    expect(node.core).toMatchObject({ role: "follower", leader: null, commit: 3 });
    expect(types(node.take())).toEqual(["appendEntries>2", "appendEntries>3", "timeoutNow>2"]);
    node.ticks(5 * electionTicks).settle();
    expect(node.core.role).toBe("follower");
  });

  test("thesis 4.2.2 a member whose removal is not committed may still have to lead once more", () => {
    const cluster = clusterOf(2);
    const one = cluster.elect(1);
    cluster.deliver();
    one.core.proposeMembership({ type: "remove", id: asNode(1) });
    one.settle();
    one.take();
    one.crash();
    cluster.node(2).ticks(electionTicks);
    cluster.tickAll(6 * electionTicks);
    expect(cluster.leader?.id).toBe(2);
    expect(cluster.node(2).core.membership.members.map(({ id }) => id)).toEqual([2]);
    expect(cluster.node(2).core.membershipPending).toBe(false);
  });

  test("§6 acknowledgements of a removed voter count no more", () => {
    const node = committedLeader(5);
    node.core.proposeMembership({ type: "remove", id: asNode(5) });
    node.settle();
    expect(types(node.taken("appendEntries")).includes("appendEntries>5")).toBe(false);
    node.ticks(heartbeatTicks).settle();
    expect(types(node.taken("heartbeat")).includes("heartbeat>5")).toBe(false);
    for (const from of [5, 2]) node.core.step(accepted({ from, term: 2, index: 3 }));
    expect(node.core.commit).toBe(2);
    node.core.step(accepted({ from: 3, term: 2, index: 3 }));
    expect(node.core.commit).toBe(3);
  });

  test("§6 a request for votes from a stranger is ignored, unless its log is ahead of ours", () => {
    const node = new TestNode({ id: 1, log: [1, 1] });
    node.core.step(requestVote({ from: 9, term: 5, last: "1/2" }));
    node.settle();
    expect(node.take()).toEqual([]);
    expect(node.core.term).toBe(1);
    node.core.step(requestVote({ from: 9, term: 5, last: "1/3" }));
    node.settle();
    expect(node.take()).toMatchObject([{ type: "voteReply", granted: true }]);
    const blank = new TestNode({ id: 1, voters: 0 });
    blank.core.step(requestVote({ from: 9, term: 5, last: "1/3" }));
    blank.settle();
    expect(blank.take()).toEqual([]);
  });

  test("§6 a node that does not know the leader's membership follows it all the same", () => {
    const node = new TestNode({ id: 4, voters: 0 });
    node.core.step(heartbeat({ from: 1, to: 4, term: 3 }));
    node.core.step(appendEntries({ from: 1, to: 4, term: 3, prev: "1/1" }));
    node.settle();
    expect(node.taken("appendReply")).toMatchObject([{ index: 1, hint: idOf("0/0"), to: 1 }]);
  });

  test("§6 changes that would change nothing or break the cluster are refused in words", () => {
    const node = new TestNode({ id: 1, voters: 1, learners: [2] });
    node.core.campaign();
    node.settle();
    const ask = (change: Parameters<typeof node.core.proposeMembership>[0]) =>
      node.core.proposeMembership(change);
    const two = { id: asNode(2), voter: false, address: "node-2" };
    expect(ask({ type: "remove", id: asNode(1) })).toBe("the last voter cannot be removed");
    expect(ask({ type: "remove", id: asNode(9) })).toBe("no such member");
    expect(ask({ type: "promote", id: asNode(1) })).toBe("the member is a voter already");
    expect(ask({ type: "promote", id: asNode(9) })).toBe("no such member");
    expect(ask({ type: "addLearner", address: "node-2" })).toBe("another member has this address");
    expect(ask({ type: "setAddress", member: two })).toBe("the member has this address already");
    expect(ask({ type: "setAddress", member: { ...two, address: "node-1" } })).toBe(
      "another member has this address",
    );
    expect(
      ask({ type: "setAddress", member: { ...two, voter: true, address: "x" } }),
    ).toMatchObject({});
    expect(node.core.membership.members[1]).toEqual({ id: 2, voter: false, address: "x" });
  });

  test("§6 ids are never given away twice", () => {
    const node = new TestNode({ id: 1, voters: 1, learners: [2] });
    node.core.campaign();
    node.settle();
    node.core.proposeMembership({ type: "remove", id: asNode(2) });
    node.settle();
    node.core.proposeMembership(add);
    expect(node.core.membership.members.at(-1)?.id).toBe(3);
  });
});

describe("thesis 6.2 check-quorum and thesis 9.6 pre-vote", () => {
  test("thesis 6.2 a leader that hears no majority for an election timeout steps down", () => {
    const node = committedLeader(5);
    for (let tick = 0; tick < 3 * electionTicks; tick += 1) {
      node.core.step(heartbeatReply({ from: 2, term: 2 }));
      node.core.step(heartbeatReply({ from: 3, term: 2 }));
      node.ticks(1);
    }
    expect(node.core.role).toBe("leader");
    for (let tick = 0; tick < electionTicks; tick += 1) {
      node.core.step(heartbeatReply({ from: 2, term: 2 }));
      node.ticks(1);
    }
    expect(node.core).toMatchObject({ role: "follower", leader: null, term: 2 });
  });

  test("thesis 4.2.3 a voter that hears a leader ignores (pre-)votes and keeps its term", () => {
    const node = new TestNode({ id: 1, term: 2 });
    node.core.step(heartbeat({ from: 2, term: 2 }));
    node.settle();
    node.take();
    for (const pre of [true, false])
      node.core.step(requestVote({ from: 3, term: 9, last: "9/9", pre }));
    node.settle();
    expect(node.take()).toEqual([]);
    expect(node.core).toMatchObject({ term: 2, leader: 2 });
    node.ticks(electionTicks - 1);
    node.core.step(requestVote({ from: 3, term: 9, last: "9/9" }));
    expect(node.core.term).toBe(2);
    const later = new TestNode({ id: 1, term: 2, random: () => 0.9 });
    later.core.step(heartbeat({ from: 2, term: 2 }));
    later.ticks(electionTicks);
    later.core.step(requestVote({ from: 3, term: 9, last: "9/9" }));
    expect(later.core.term).toBe(9);
  });

  test("thesis 4.2.3 a leader that is followed ignores votes too", () => {
    const node = committedLeader(3);
    node.core.step(requestVote({ from: 3, term: 9, last: "9/9" }));
    expect(node.core).toMatchObject({ role: "leader", term: 2 });
  });

  test("thesis 9.6 a pre-vote changes neither term nor vote nor timeout of the voter", () => {
    const node = new TestNode({ id: 1 });
    node.ticks(electionTicks - 1);
    node.core.step(requestVote({ from: 2, term: 7, last: "1/1", pre: true }));
    node.settle();
    expect(node.taken("voteReply")).toMatchObject([{ pre: true, granted: true, term: 7 }]);
    expect(node.hardState).toEqual({ term: 1, votedFor: null });
    node.ticks(1);
    expect(node.core.role).toBe("preCandidate");
  });

  test("thesis 9.6 a node that is cut off keeps its term however long it campaigns", () => {
    const node = new TestNode({ id: 1 });
    node.ticks(20 * electionTicks).settle();
    expect(node.core).toMatchObject({ role: "preCandidate", term: 1 });
    expect(node.hardState.term).toBe(1);
  });

  test("thesis 9.6 a refused pre-vote tells of a newer term", () => {
    const node = new TestNode({ id: 1 });
    node.core.campaign();
    node.core.step(voteReply({ from: 2, term: 8, granted: false, pre: true }));
    expect(node.core).toMatchObject({ role: "follower", term: 8 });
  });

  test("thesis 9.6 pre-votes elect nobody, and votes answer no pre-vote", () => {
    const real = candidate(3);
    real.core.step(voteReply({ from: 2, term: 2, granted: true, pre: true }));
    expect(real.core.role).toBe("candidate");
    const preliminary = new TestNode({ id: 1 });
    preliminary.core.campaign();
    preliminary.core.step(voteReply({ from: 2, term: 1, granted: true }));
    preliminary.core.step(voteReply({ from: 3, term: 5, granted: true, pre: true }));
    expect(preliminary.core.role).toBe("preCandidate");
  });

  test("thesis 9.6 preparing a campaign gives way to a real candidate of the same term", () => {
    const node = new TestNode({ id: 1, term: 2 });
    node.core.campaign();
    node.core.step(requestVote({ from: 2, term: 2, last: "1/1" }));
    node.settle();
    expect(node.core.role).toBe("follower");
    expect(node.taken("voteReply")).toMatchObject([{ granted: true, to: 2 }]);
  });
});

describe("thesis 6.4 ReadIndex", () => {
  test("thesis 6.4 a read waits until an entry of the leader's own term is committed", () => {
    const node = leader(3, [1, 1]);
    expect(node.core.readIndex()).toBe(1);
    for (const from of [2, 3]) node.core.step(heartbeatReply({ from, term: 2 }));
    node.settle();
    expect(node.reads).toEqual([]);
    node.core.step(accepted({ from: 2, term: 2, index: 3 }));
    node.settle();
    expect(node.reads).toEqual([]);
    node.core.step(heartbeatReply({ from: 2, term: 2, round: 1 }));
    node.settle();
    expect(node.reads).toMatchObject([{ id: 1, index: 3 }]);
  });

  test("thesis 6.4 a round sends heartbeats at once and needs a majority that answers it", () => {
    const node = committedLeader(5);
    node.core.readIndex();
    node.settle();
    expect(node.taken("heartbeat").map(({ round }) => round)).toEqual([1, 1, 1, 1]);
    node.core.step(heartbeatReply({ from: 2, term: 2, round: 1 }));
    node.core.step(heartbeatReply({ from: 2, term: 2, round: 1 }));
    node.core.step(heartbeatReply({ from: 3, term: 2, round: 0 }));
    node.settle();
    expect(node.reads).toEqual([]);
    node.core.step(heartbeatReply({ from: 3, term: 2, round: 1 }));
    node.settle();
    expect(node.reads).toMatchObject([{ id: 1, index: 2 }]);
  });

  test("thesis 6.4 all that ask before a round begins share it, who asks later gets the next", () => {
    const node = committedLeader(3);
    expect([node.core.readIndex(), node.core.readIndex()]).toEqual([1, 1]);
    node.settle();
    expect(node.core.readIndex()).toBe(2);
    node.core.step(heartbeatReply({ from: 2, term: 2, round: 1 }));
    node.settle();
    expect(node.reads).toMatchObject([{ id: 1, index: 2 }]);
    node.core.step(heartbeatReply({ from: 3, term: 2, round: 2 }));
    node.settle();
    expect(node.reads.map(({ id }) => id)).toEqual([1, 2]);
  });

  test("thesis 6.4 reads that arrive during a round share the next one, which begins when it is confirmed", () => {
    const node = committedLeader(3);
    const first = node.core.readIndex();
    node.settle();
    node.take();
    const second = node.core.readIndex();
    node.settle();
    expect(node.taken("heartbeat")).toEqual([]);
    expect(node.core.readIndex()).toBe(second);
    node.core.step(heartbeatReply({ from: 2, term: 2, round: 1 }));
    node.settle();
    expect(node.reads.map(({ id }) => id)).toEqual([first]);
    expect(node.taken("heartbeat")).toMatchObject([{ round: 2 }, { round: 2 }]);
    node.core.step(heartbeatReply({ from: 3, term: 2, round: 2 }));
    node.settle();
    expect(node.reads.map(({ id }) => id)).toEqual([first, second]);
  });

  test("thesis 6.4 an answer to a round that was never begun is dropped and counted", () => {
    const node = committedLeader(3);
    for (const from of [2, 3]) node.core.step(heartbeatReply({ from, term: 2, round: 5 }));
    node.core.readIndex();
    node.settle();
    expect(node.reads).toEqual([]);
    expect(node.core.dropped).toBe(2);
  });

  test("thesis 6.4 a cluster of one confirms by itself", () => {
    const node = new TestNode({ id: 1, voters: 1 });
    node.core.campaign();
    node.settle();
    node.core.readIndex();
    node.settle();
    expect(node.reads).toMatchObject([{ id: 1, index: 2 }]);
  });

  test("thesis 6.4 reads are lost with leadership, and ids are not used again", () => {
    const node = committedLeader(3);
    node.core.readIndex();
    node.settle();
    node.core.readIndex();
    node.core.step(heartbeat({ from: 2, term: 3 }));
    node.settle();
    expect(node.readsLost).toEqual([1, 2]);
    expect(node.reads).toEqual([]);
    node.ticks(electionTicks).settle();
    node.core.step(voteReply({ from: 3, term: 4, granted: true, pre: true }));
    node.settle();
    node.core.step(voteReply({ from: 3, term: 4, granted: true }));
    expect(node.core.readIndex()).toBe(3);
  });

  test("thesis 6.4 answers of learners and of removed voters confirm nothing", () => {
    const node = committedLeader(4);
    let index = 2;
    for (const change of [
      { type: "remove", id: asNode(4) },
      { type: "addLearner", address: "new 5" },
      { type: "addLearner", address: "new 6" },
    ] as const) {
      node.core.proposeMembership(change);
      node.settle();
      index += 1;
      for (const from of [2, 3]) node.core.step(accepted({ from, term: 2, index }));
    }
    node.core.readIndex();
    node.settle();
    for (const from of [4, 5, 6]) node.core.step(heartbeatReply({ from, term: 2, round: 1 }));
    node.settle();
    expect(node.reads).toEqual([]);
    node.core.step(heartbeatReply({ from: 3, term: 2, round: 1 }));
    node.settle();
    expect(node.reads).toHaveLength(1);
  });
});
