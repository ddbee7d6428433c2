// Well-formed messages with arbitrary terms and indexes, as a broken or hostile peer could send them.

import { expect, test } from "vitest";
import { assert } from "../../../src/assert.ts";
import { decodeMessage, encodeMessage } from "../../../src/raft/codec.ts";
import { encodeMembership } from "../../../src/raft/core/membership.ts";
import { asIndex, asTerm, type Entry, type Message } from "../../../src/raft/core/types.ts";
import {
  accepted,
  appendEntries,
  heartbeat,
  heartbeatReply,
  installSnapshot,
  refused,
  requestVote,
  timeoutNow,
  voteReply,
} from "../../support/raft-messages.ts";
import { membershipOf, TestNode } from "../../support/raft-node.ts";
import { seededRandom } from "../../support/raft-random.ts";

interface Chance {
  below(limit: number): number;
  coin(probability: number): boolean;
}

function chanceOf(random: () => number): Chance {
  return {
    below: (limit) => Math.floor(random() * limit),
    coin: (probability) => random() < probability,
  };
}

/** Mostly near what the node knows, sometimes anything. */
function near(chance: Chance, value: number): number {
  if (chance.coin(0.02)) return Number.MAX_SAFE_INTEGER - 100 - chance.below(3);
  if (chance.coin(0.05)) return chance.below(1000);
  return Math.max(0, value + chance.below(7) - 3);
}

function anyEntries(chance: Chance, prevIndex: number, term: number): readonly Entry[] {
  let index = prevIndex;
  let entryTerm = Math.max(0, term - chance.below(3));
  return Array.from({ length: chance.below(5) }, (): Entry => {
    index += chance.coin(0.95) ? 1 : chance.below(4);
    if (chance.coin(0.2)) entryTerm = near(chance, entryTerm);
    const kind = chance.coin(0.1) ? "membership" : chance.coin(0.1) ? "noop" : "data";
    const valid = kind === "membership" && chance.coin(0.7);
    const data = valid ? encodeMembership(membershipOf(chance.below(5))) : new Uint8Array(3);
    return { index: asIndex(index), term: asTerm(entryTerm), kind, data };
  });
}

function anyMessage(chance: Chance, node: TestNode): Message {
  const { term: now, last, commit } = node.core;
  const term = chance.coin(0.6)
    ? now
    : chance.coin(0.9)
      ? now + chance.below(2)
      : near(chance, now);
  const route = { from: 2 + chance.below(5), to: chance.coin(0.99) ? 1 : 2, term };
  const at = near(chance, chance.coin(0.5) ? last.index : commit);
  const id = `${near(chance, last.term)}/${at}`;
  switch (chance.below(10)) {
    case 0:
      return accepted({ ...route, index: at });
    case 1:
      return refused({ ...route, index: at, hint: id });
    case 2:
      return requestVote({ ...route, last: id, pre: chance.coin(0.5), transfer: chance.coin(0.5) });
    case 3:
      return voteReply({ ...route, granted: chance.coin(0.8), pre: chance.coin(0.5) });
    case 4:
      return heartbeat({ ...route, commit: near(chance, commit), round: near(chance, 3) });
    case 5:
      return heartbeatReply({ ...route, round: near(chance, 3) });
    case 6:
      return timeoutNow(route);
    case 7: {
      const membershipIndex = chance.coin(0.8) ? chance.below(at + 1) : near(chance, at);
      const membership = membershipOf(1 + chance.below(5));
      return installSnapshot({ ...route, point: id, membership, membershipIndex });
    }
    default: {
      const own = node.log.term(asIndex(at)) ?? near(chance, last.term);
      const prev = chance.coin(0.7) ? `${own}/${at}` : id;
      const entries = anyEntries(chance, at, term);
      return appendEntries({ ...route, prev, entries, commit: near(chance, commit) });
    }
  }
}

/** The codec refuses what contradicts itself; a snapshot's place never comes from a peer. */
function stepThroughTheDoor(node: TestNode, message: Message): void {
  if (message.type === "installSnapshot") {
    node.core.step(message);
    return;
  }
  const decoded = decodeMessage(Buffer.concat(encodeMessage(message)));
  if (typeof decoded !== "string") node.core.step(decoded);
}

function compact(node: TestNode): void {
  const index = node.applied.at(-1)?.index ?? asIndex(0);
  const isFounded = node.log.membershipAt(index) !== null;
  if (isFounded && index > (node.checkpoint?.index ?? 0)) node.compact(index);
}

function anyCall(chance: Chance, node: TestNode): void {
  const { core } = node;
  const member = core.membership.members[chance.below(5)];
  switch (chance.below(12)) {
    case 0:
      node.finishSave();
      return;
    case 1:
      core.campaign();
      return;
    case 2:
      core.propose([new Uint8Array(5), new Uint8Array(0)]);
      return;
    case 3:
      core.readIndex();
      return;
    case 4:
      if (member) core.transfer(member.id);
      return;
    case 5:
      if (member) core.proposeMembership({ type: "remove", id: member.id });
      return;
    case 6:
      core.proposeMembership({ type: "addLearner", address: `${chance.below(1e9)}` });
      return;
    case 7:
      if (member) core.unreachable(member.id);
      return;
    case 8:
      if (member) core.snapshotFailed(member.id);
      return;
    case 9:
      if (core.leader !== null) core.leaderGone(core.leader);
      return;
    case 10:
      compact(node);
      return;
    default:
      node.ticks(chance.below(12));
  }
}

function oneStep(chance: Chance, node: TestNode, where: string): void {
  const message = chance.coin(0.25) ? null : anyMessage(chance, node);
  try {
    if (message === null) anyCall(chance, node);
    else stepThroughTheDoor(node, message);
    if (chance.coin(0.5)) node.pump();
    node.take();
  } catch (error) {
    throw new Error(`${where} ${JSON.stringify(message)}: ${String(error)}`, { cause: error });
  }
}

test("no message, however odd, makes a node throw, forget a term or take back a commit", {
  timeout: 60_000,
}, () => {
  const roles = new Set<string>();
  let dropped = 0;
  let installs = 0;
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = seededRandom(seed);
    const chance = chanceOf(random);
    const voters = chance.coin(0.1) ? 0 : 1 + chance.below(5);
    const node = new TestNode({ id: 1, voters, random, log: [1, 1, 2, 3, 3] });
    const installed = new Set<number>();
    for (let step = 0; step < 150; step += 1) {
      const { term, commit } = node.core;
      oneStep(chance, node, `seed ${seed} step ${step}`);
      assert(node.core.term >= term, `seed ${seed}: the term never falls`);
      assert(node.core.commit >= commit, `seed ${seed}: the commit index never falls`);
      roles.add(node.core.role);
      if (node.core.installing !== null) installed.add(node.core.installing.index);
    }
    node.settle();
    const indexes = node.applied.map(({ index }) => Number(index));
    const jumps = indexes.filter((index, at) => index !== (indexes[at - 1] ?? 0) + 1);
    expect(jumps.filter((index) => !installed.has(index - 1))).toEqual([]);
    expect(indexes).toEqual(indexes.toSorted((a, b) => a - b));
    dropped += node.core.dropped;
    installs += installed.size;
  }
  expect([...roles].toSorted()).toEqual(["candidate", "follower", "leader", "preCandidate"]);
  expect(dropped).toBeGreaterThan(0);
  expect(installs).toBeGreaterThan(0);
});
