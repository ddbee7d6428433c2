// The order of a snapshot's steps: hard state, install, log, and only then the word that it is there.

import { expect, test } from "vitest";
import { encodeMembership, foundingEntry } from "../../src/raft/core/membership.ts";
import { createRaft } from "../../src/raft/core/raft.ts";
import {
  asIndex,
  asNode,
  asTerm,
  type Entry,
  type Message,
  type SnapshotPoint,
} from "../../src/raft/core/types.ts";
import { RaftDriver } from "../../src/raft/driver.ts";
import type { Consumer } from "../../src/raft/ports.ts";
import { MemoryLog } from "../support/memory-log.ts";
import {
  accepted,
  appendEntries,
  heartbeat,
  heartbeatReply,
  installSnapshot,
  refused,
  voteReply,
} from "../support/raft-messages.ts";
import { dataEntry, electionTicks, heartbeatTicks, membershipOf } from "../support/raft-node.ts";

class ToldLog extends MemoryLog {
  readonly #story: string[];
  isInMemory = true;

  constructor(story: string[]) {
    super({ flushOn: "call" });
    this.#story = story;
  }

  override isCached(): boolean {
    return this.isInMemory;
  }

  override save(...[save, done]: Parameters<MemoryLog["save"]>): void {
    this.#story.push(`save ${save.hardState?.term ?? "-"} ${save.entries.length}`);
    super.save(save, done);
  }
}

/** A driver whose story is written down; what is installed waits for `installed`. */
class Subject implements Consumer {
  readonly standsStill = false;
  readonly story: string[] = [];
  readonly log = new ToldLog(this.story);
  readonly driver: RaftDriver;
  wakes = 0;
  #done: (() => void) | null = null;

  constructor(entries: readonly Entry[] = [foundingEntry(membershipOf(3))]) {
    const hardState = { term: asTerm(1), votedFor: null };
    this.log.save({ hardState, entries }, () => {});
    this.log.flush();
    this.story.length = 0;
    this.driver = this.start();
  }

  start(applied = 0): RaftDriver {
    const { log, story } = this;
    const core = createRaft({
      ...{ id: asNode(1), hardState: log.hardState, applied: asIndex(applied), log },
      ...{ heartbeatTicks, electionTicks, random: () => 0 },
      ...{ appendBytesMax: 1000, inflightMessagesMax: 8, inflightBytesMax: 1000 },
      catchUpBytesPerTurn: 50,
    });
    return new RaftDriver(core, {
      store: log,
      transport: {
        send: (message) => story.push(describe(message)),
        flush: () => story.push("flush"),
        sendSnapshot: (to) => story.push(`snapshot to ${to}`),
      },
      consumer: this,
      wake: () => {
        this.wakes += 1;
      },
    });
  }

  /** What happened since the last time. */
  told(): readonly string[] {
    return this.story.splice(0);
  }

  committed(entries: readonly Entry[]): void {
    this.story.push(`committed ${entries.map(({ index }) => index)}`);
  }

  install(point: SnapshotPoint, done: () => void): void {
    this.story.push(`install ${point.term}/${point.index}`);
    this.#done = () => {
      const { index, membership } = point.membership;
      const data = encodeMembership(membership);
      this.log.restart({ base: point, membership: { index, data } }, done);
      this.log.flush();
    };
  }

  /** The layers above have the snapshot in its place, and the log behind it. */
  installed(): void {
    this.#done?.();
    this.#done = null;
  }

  readReady(): void {
    this.story.push("read");
  }

  readLost(): void {
    this.story.push("read lost");
  }

  lost(upTo: number): void {
    this.story.push(`lost ${upTo}`);
  }

  leaderChanged(leader: number | null): void {
    this.story.push(`leader ${leader ?? "-"}`);
  }
}

function describe(message: Message): string {
  const { type, to } = message;
  return message.type === "appendReply" ? `${type} ${message.index} to ${to}` : `${type} to ${to}`;
}

const snapshot = installSnapshot({
  ...{ from: 2, term: 4, point: "3/9", membership: membershipOf(3) },
});

test("the hard state is saved before the install, and the leader hears of it after both", () => {
  const subject = new Subject();
  const { driver, log } = subject;
  driver.step(snapshot);
  driver.turn();
  expect(subject.told()).toEqual(["save 4 0", "leader 2"]);
  expect(driver.core.installing).toMatchObject({ index: 9 });
  log.flush();
  expect(log.hardState.term).toBe(4);
  expect(subject.told()).toEqual(["install 3/9"]);
  driver.turn();
  expect(subject.told()).toEqual([]);
  subject.installed();
  expect(subject.told()).toEqual(["appendReply 9 to 2"]);
  expect(driver.core.installing).toBeNull();
  expect(log.firstIndex).toBe(10);
});

test("without a new hard state the install begins at once", () => {
  const subject = new Subject();
  const { driver, log } = subject;
  driver.step(heartbeat({ from: 2, term: 4 }));
  driver.turn();
  log.flush();
  subject.told();
  driver.step(snapshot);
  driver.turn();
  expect(subject.told()).toEqual(["install 3/9"]);
});

test("nothing is saved or committed during an install; entries behind it follow", () => {
  const subject = new Subject();
  const { driver, log } = subject;
  driver.step(snapshot);
  driver.turn();
  log.flush();
  const entries = [dataEntry(10, 4)];
  driver.step(appendEntries({ from: 2, term: 4, prev: "3/9", entries, commit: 10 }));
  driver.turn();
  expect(log.saving).toBe(false);
  const { wakes } = subject;
  subject.told();
  subject.installed();
  expect(subject.wakes).toBeGreaterThan(wakes);
  driver.turn();
  expect(subject.told()).toEqual(["appendReply 9 to 2", "save - 1"]);
  log.flush();
  driver.turn();
  expect(subject.told()).toEqual(["appendReply 10 to 2", "committed 10"]);
});

test("a save that was under way comes first, and an install is one save: both end once", () => {
  const subject = new Subject();
  const { driver, log } = subject;
  driver.step(appendEntries({ from: 2, term: 4, prev: "1/1", entries: [dataEntry(2, 4)] }));
  driver.turn();
  driver.step(installSnapshot({ from: 2, term: 4, point: "4/9", membership: membershipOf(3) }));
  driver.turn();
  expect(subject.told()).toEqual(["save 4 1", "leader 2"]);
  log.flush();
  driver.turn();
  expect(subject.told()).toEqual(["appendReply 2 to 2", "install 4/9"]);
  subject.installed();
  driver.turn();
  expect(subject.told()).toEqual(["appendReply 9 to 2"]);
});

test("a crash during the install starts from the old log, after it from the new one", () => {
  const subject = new Subject();
  const { driver, log } = subject;
  driver.step(snapshot);
  driver.turn();
  log.flush();
  log.crash();
  expect(subject.start().core).toMatchObject({ term: 4, last: { index: 1 } });
  subject.installed();
  expect(subject.start(9).core).toMatchObject({ term: 4, last: { index: 9 }, commit: 9 });
});

test("a member that needs a snapshot is named to the transport, and again when it failed", () => {
  const subject = new Subject([foundingEntry(membershipOf(3)), dataEntry(2, 1), dataEntry(3, 1)]);
  subject.log.cutBefore(asIndex(3));
  const { driver, work } = leading(subject);
  driver.step(refused({ from: 3, term: 2, index: 3, hint: "0/0" }));
  work();
  expect(subject.told()).toEqual(["snapshot to 3"]);
  driver.snapshotFailed(asNode(3));
  driver.step(heartbeatReply({ from: 3, term: 2 }));
  driver.step(refused({ from: 3, term: 2, index: 4, hint: "0/0" }));
  work();
  expect(subject.told().filter((said) => said.startsWith("snapshot"))).toEqual(["snapshot to 3"]);
});

/** Node 1 as the leader of term 2, whose no-op node 2 has; `work` runs turns until nothing is left to save. */
function leading(subject: Subject): { readonly driver: RaftDriver; readonly work: () => void } {
  const { log } = subject;
  const driver = subject.start(log.lastIndex);
  const work = () => {
    driver.turn();
    for (; log.saving; driver.turn()) log.flush();
  };
  driver.campaign();
  driver.step(voteReply({ from: 2, term: 2, granted: true, pre: true }));
  work();
  driver.step(voteReply({ from: 2, term: 2, granted: true }));
  work();
  driver.step(accepted({ from: 2, term: 2, index: log.lastIndex }));
  work();
  subject.told();
  return { driver, work };
}

test("a member that is far behind gets a turn's worth of entries, and another turn is asked for", () => {
  const entries = Array.from({ length: 10 }, (_, at) => dataEntry(at + 2, 1, "x".repeat(40)));
  const subject = new Subject([foundingEntry(membershipOf(3)), ...entries]);
  const { driver, work } = leading(subject);
  subject.log.isInMemory = false;
  driver.step(refused({ from: 3, term: 2, index: 11, hint: "1/1" }));
  work();
  driver.step(accepted({ from: 3, term: 2, index: 1 }));
  subject.told();
  let wakes = 0;
  let turns = 0;
  do {
    ({ wakes } = subject);
    driver.turn();
    turns += 1;
    expect(
      subject.told().filter((line) => line === "appendEntries to 3").length,
    ).toBeLessThanOrEqual(3);
  } while (subject.wakes > wakes);
  expect(turns).toBeGreaterThan(3);
});

test("a leader whose save hangs hands over, and says how long it has hung", () => {
  const subject = new Subject();
  const { driver } = leading(subject);
  driver.propose([new Uint8Array(1)]);
  driver.turn();
  for (const from of [2, 3]) driver.step(accepted({ from, term: 2, index: 3 }));
  for (let tick = 0; tick <= 2 * electionTicks; tick += 1) {
    expect(subject.told()).not.toContain("timeoutNow to 2");
    expect(driver.core.savingTicks).toBe(tick);
    for (const from of [2, 3]) driver.step(heartbeatReply({ from, term: 2 }));
    driver.tick();
    driver.turn();
  }
  expect(subject.told()).toContain("timeoutNow to 2");
  expect(driver.propose([new Uint8Array(1)])).toBeNull();
});

test("a leader that is gone is no longer the leader, and the layers above are told so", () => {
  const subject = new Subject();
  const { driver } = subject;
  driver.step(heartbeat({ from: 2, term: 1 }));
  driver.turn();
  subject.told();
  driver.leaderGone(asNode(3));
  driver.turn();
  expect(subject.told()).toEqual([]);
  const { wakes } = subject;
  driver.leaderGone(asNode(2));
  expect(subject.wakes).toBe(wakes + 1);
  driver.turn();
  expect(subject.told()).toEqual(["leader -"]);
  driver.tick();
  driver.turn();
  expect(subject.told()).toEqual(["requestVote to 2", "requestVote to 3", "flush"]);
});

test("what a leader sends leaves before it applies what is committed", () => {
  const subject = new Subject([foundingEntry(membershipOf(3)), dataEntry(2, 1)]);
  const { driver, log } = subject;
  driver.step(heartbeat({ from: 2, term: 1, commit: 2 }));
  driver.turn();
  log.flush();
  driver.turn();
  const told = subject.told();
  expect(told).toContain("committed 1,2");
  expect(told.indexOf("flush")).toBeGreaterThan(told.indexOf("heartbeatReply to 2"));
  expect(told.indexOf("flush")).toBeLessThan(told.indexOf("committed 1,2"));
});

test("what the disk has lost is told once", () => {
  const subject = new Subject();
  subject.driver.step(heartbeat({ from: 2, term: 1, commit: 7 }));
  subject.driver.turn();
  subject.driver.tick();
  subject.driver.turn();
  expect(subject.told().filter((line) => line.startsWith("lost"))).toEqual(["lost 7"]);
});
