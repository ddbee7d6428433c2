// Thesis 6.4.1: what a leader may lean on when it answers reads without asking a majority each time.

import { describe, expect, test } from "vitest";
import { asNode } from "../../../src/raft/core/types.ts";
import {
  accepted,
  heartbeat,
  heartbeatReply,
  requestVote,
  voteReply,
} from "../../support/raft-messages.ts";
import { electionTicks, TestNode } from "../../support/raft-node.ts";

const patient = { patient: true } as const;

/** Node 1 of three, which follows node 2 in term 1. */
function follower(options: { readonly patient?: boolean }): TestNode {
  const node = new TestNode({ id: 1, term: 1, options });
  for (let tick = 0; tick < electionTicks; tick++) node.core.tick();
  node.core.step(heartbeat({ from: 2, term: 1 }));
  node.settle();
  return node;
}

function asksForVote(node: TestNode, term: number): boolean {
  node.take();
  node.core.step(requestVote({ from: 3, term, last: "9/9" }));
  node.settle();
  return node.taken("voteReply").some(({ granted }) => granted);
}

/** Node 1 of three leads in term 2, and has committed an entry of it. */
function leader(options: { readonly patient?: boolean }): TestNode {
  const node = new TestNode({ id: 1, term: 1, options });
  node.core.campaign();
  node.settle();
  node.core.step(voteReply({ from: 2, term: 2, pre: true, granted: true }));
  node.settle();
  node.core.step(voteReply({ from: 2, term: 2, granted: true }));
  node.settle();
  node.core.step(accepted({ from: 2, term: 2, index: node.core.last.index }));
  node.settle();
  expect(node.core.role).toBe("leader");
  return node;
}

describe("thesis 6.4.1 a follower of a cluster with leases", () => {
  test("thesis 6.4.1 promises patience with each heartbeat that it answers", () => {
    expect(follower(patient).taken("heartbeatReply")).toMatchObject([{ patient: true }]);
    expect(follower({}).taken("heartbeatReply")).toMatchObject([{ patient: false }]);
  });

  test("thesis 6.4.1 keeps the promise for an election timeout although a newer term made it forget the leader", () => {
    for (const options of [patient, { patient: false }]) {
      const node = follower(options);
      node.core.step(voteReply({ from: 3, term: 7, pre: true, granted: false }));
      node.settle();
      expect(node.core.leader).toBeNull();
      expect(asksForVote(node, 8)).toBe(!options.patient);
    }
  });

  test("thesis 6.4.1 votes again when the promise has run out", () => {
    const node = follower(patient);
    for (let tick = 1; tick < electionTicks; tick++) node.core.tick();
    expect(asksForVote(node, 8)).toBe(false);
    node.core.tick();
    expect(asksForVote(node, 8)).toBe(true);
  });

  test("thesis 6.4.1 does not know after a start what it has promised, so it waits", () => {
    for (const options of [patient, { patient: false }]) {
      const node = new TestNode({ id: 1, term: 1, options });
      expect(asksForVote(node, 2)).toBe(!options.patient);
    }
  });

  test("thesis 6.4.1 waits for its election timeout although the leader's process is gone", () => {
    const node = follower(patient);
    node.core.leaderGone(asNode(2));
    expect(node.core.leader).toBe(2);
  });
});

describe("thesis 6.4.1 a leader of a cluster with leases", () => {
  test("thesis 6.4.1 is told whether a majority was patient when a round was confirmed", () => {
    for (const promises of [true, false]) {
      const node = leader(patient);
      node.core.readIndex();
      node.settle();
      node.core.step(heartbeatReply({ from: 2, term: 2, round: 1, patient: promises }));
      node.settle();
      expect(node.reads).toMatchObject([{ id: 1, patient: promises }]);
    }
  });

  test("thesis 6.4.1 counts itself only when it is patient itself", () => {
    const node = leader({});
    node.core.readIndex();
    node.settle();
    node.core.step(heartbeatReply({ from: 2, term: 2, round: 1, patient: true }));
    node.settle();
    expect(node.reads).toMatchObject([{ id: 1, patient: false }]);
  });

  test("thesis 6.4.1 has no lease any more once it has told a member to campaign, even if nothing came of it", () => {
    const node = leader(patient);
    expect(node.core.hasHandedOver).toBe(false);
    expect(node.core.transfer(asNode(2))).toBeNull();
    node.settle();
    expect(node.taken("timeoutNow")).toHaveLength(1);
    for (let tick = 0; tick < 3 * electionTicks && node.core.role === "leader"; tick++) {
      node.core.tick();
      node.core.step(heartbeatReply({ from: 2, term: 2 }));
      node.settle();
    }
    expect(node.core.role).toBe("leader");
    expect(node.core.hasHandedOver).toBe(true);
  });
});
