// The log in memory and on disk as one, and the progress of a follower that needs what was cut.

import { expect, test } from "vitest";
import { termSkipMax } from "../../../src/constants.ts";
import { RaftLog } from "../../../src/raft/core/log.ts";
import { asIndex, asTerm, type Entry } from "../../../src/raft/core/types.ts";
import { MemoryLog } from "../../support/raft-memory-log.ts";
import { accepted, heartbeatReply, refused, voteReply } from "../../support/raft-messages.ts";
import { dataEntry, logOf, membershipOf, TestNode } from "../../support/raft-node.ts";

const at = asIndex;

function logs(terms: readonly number[], applied = 0): { disk: MemoryLog; log: RaftLog } {
  const disk = new MemoryLog(logOf(terms, membershipOf(3)));
  return { disk, log: new RaftLog(disk, at(applied)) };
}

function save(disk: MemoryLog, log: RaftLog): void {
  disk.write(log.startSave().entries);
  log.finishSave();
}

const idsOf = (entries: readonly Entry[]) => entries.map(({ term, index }) => `${term}/${index}`);

test("a term that is not there is null, whether it is still to come or was cut", () => {
  const { disk, log } = logs([1, 1, 2, 2], 4);
  expect(log.term(at(0))).toBe(0);
  expect(log.term(at(5))).toBeNull();
  disk.cutBefore(at(3));
  expect(log.term(at(2))).toBeNull();
  expect(log.agrees({ term: asTerm(0), index: at(2) })).toBe(false);
  expect(log.has(at(2))).toBe(false);
  expect(log.has(at(3))).toBe(true);
});

test("entries are read from memory until they are saved, then from disk", () => {
  const { disk, log } = logs([1, 1]);
  log.append([dataEntry(3, 2), dataEntry(4, 2)]);
  expect(log.stable).toBe(2);
  expect(idsOf(log.slice(at(3), 1000))).toEqual(["2/3", "2/4"]);
  expect(idsOf(log.slice(at(3), 1))).toEqual(["2/3"]);
  expect(idsOf(log.slice(at(1), 1000))).toEqual(["1/1", "1/2"]);
  save(disk, log);
  expect(log.stable).toBe(4);
  expect(idsOf(log.slice(at(2), 1000))).toEqual(["1/2", "2/3", "2/4"]);
});

test("what was overwritten while its save was in flight is not taken for durable", () => {
  const { disk, log } = logs([1]);
  log.append([dataEntry(2, 1), dataEntry(3, 1), dataEntry(4, 1)]);
  const { entries } = log.startSave();
  log.append([dataEntry(3, 2), dataEntry(4, 2)]);
  disk.write(entries);
  log.finishSave();
  expect(log.stable).toBe(2);
  expect(log.term(at(3))).toBe(2);
  expect(idsOf(log.startSave().entries)).toEqual(["2/3", "2/4"]);
});

test("a tail on disk is overwritten in memory first", () => {
  const { disk, log } = logs([1, 1, 1, 1]);
  log.append([dataEntry(3, 2)]);
  expect(log.last).toEqual({ term: 2, index: 3 });
  expect(log.stable).toBe(2);
  expect(log.term(at(4))).toBeNull();
  save(disk, log);
  expect(disk.lastIndex).toBe(3);
});

test("committed entries come out once, in order, from disk only, and in bounded pieces", () => {
  const { disk, log } = logs([1, 1], 1);
  log.append([dataEntry(3, 1), dataEntry(4, 1)]);
  log.commitTo(at(4));
  expect(idsOf(log.takeCommitted(1000))).toEqual(["1/2"]);
  expect(log.takeCommitted(1000)).toEqual([]);
  save(disk, log);
  expect(idsOf(log.takeCommitted(1))).toEqual(["1/3"]);
  expect(idsOf(log.takeCommitted(1))).toEqual(["1/4"]);
  expect(log.takeCommitted(1)).toEqual([]);
});

test("a gap, a commit beyond the log and a cut below the commit index are bugs", () => {
  const { log } = logs([1, 1, 1], 2);
  expect(() => log.append([dataEntry(5, 1)])).toThrow("the log has no gap");
  expect(() => log.commitTo(at(4))).toThrow("within the log");
  expect(() => log.append([dataEntry(2, 2)])).toThrow("is not committed");
  expect(() => logs([1], 2)).toThrow("applied 2 is in the log of 1");
});

test("a follower behind the cut waits for a snapshot, still hears heartbeats, and is tried again", () => {
  const node = new TestNode({ id: 1, log: [1, 1, 1, 1], applied: 4 });
  node.core.campaign();
  node.core.step(voteReply({ from: 2, term: 2, granted: true, pre: true }));
  node.settle();
  node.core.step(voteReply({ from: 2, term: 2, granted: true }));
  node.settle();
  node.core.step(accepted({ from: 2, term: 2, index: 5 }));
  node.settle();
  node.log.cutBefore(at(4));
  const three = () => node.core.progress().find(({ id }) => id === 3)?.state;
  expect(three()).toBe("probe");
  node.take();
  node.core.step(refused({ from: 3, term: 2, index: 4, hint: "1/1" }));
  node.settle();
  expect(three()).toBe("snapshot");
  node.ticks(2).settle();
  expect(node.take().map(({ type, to }) => `${type}>${to}`)).toEqual([
    "heartbeat>2",
    "heartbeat>3",
  ]);
  // Still too far behind, and then with a log that reaches what the leader has.
  node.core.step(heartbeatReply({ from: 3, term: 2 }));
  node.settle();
  expect(three()).toBe("snapshot");
  node.core.step(accepted({ from: 3, term: 2, index: 4 }));
  node.settle();
  expect(three()).toBe("replicate");
  expect(node.taken("appendEntries")).toMatchObject([{ to: 3, prev: { index: 4 }, entries: [{}] }]);
});

test("one save is in flight at a time, and only that one can be finished", () => {
  const node = new TestNode({ id: 1, voters: 1 });
  node.core.campaign();
  const first = node.core.ready()?.save;
  expect(first).toMatchObject({ sequence: 1, hardState: { term: 2, votedFor: 1 } });
  expect(node.core.ready()).toBeNull();
  if (!first) return;
  expect(() => node.core.saved({ ...first })).toThrow("save 1 is the one in flight");
  node.core.saved(first);
  expect(() => node.core.saved(first)).toThrow("save 1 is the one in flight");
});

test("one proposal of many entries is one append, one save and one commit", () => {
  const node = new TestNode({ id: 1, voters: 1 });
  node.core.campaign();
  node.settle();
  const ids = node.core.propose(Array.from({ length: 100 }, () => new Uint8Array(10)));
  expect(ids).toHaveLength(100);
  expect(node.core.uncommittedBytes).toBe(1000);
  node.pump();
  expect(node.saving?.entries).toHaveLength(100);
  node.settle();
  expect(node.core.commit).toBe(102);
  expect(node.core.uncommittedBytes).toBe(0);
});

test("a refusal looks at a bounded part of a long tail, and the next one goes on from there", () => {
  const { log } = logs([1]);
  const tail = Array.from({ length: 3 * termSkipMax }, (_, place) => dataEntry(place + 2, 3));
  log.append(tail);
  const lower = log.skipTermsAbove(log.last.index, asTerm(2));
  expect(lower).toBe(log.last.index - termSkipMax);
  let rounds = 1;
  for (let index = lower; index > 1; rounds += 1) index = log.skipTermsAbove(index, asTerm(2));
  expect(rounds).toBe(3);
});
