// A core that was led into a role by hand, by the messages that take a node there.

import { assert } from "../../src/assert.ts";
import { accepted, voteReply } from "./raft-messages.ts";
import { type NodeSetup, TestNode } from "./raft-node.ts";

type Setup = Omit<Partial<NodeSetup>, "id">;

/** Node 1 of `voters` as a candidate whose own vote is on disk. */
export function candidate(voters = 3, log: readonly number[] = [1], setup: Setup = {}): TestNode {
  const node = new TestNode({ id: 1, voters, log, ...setup });
  node.core.campaign();
  node.settle();
  if (voters > 1) {
    const term = node.core.term + 1;
    for (let id = 2; id <= voters && node.core.role === "preCandidate"; id += 1)
      node.core.step(voteReply({ from: id, term, granted: true, pre: true }));
    node.settle();
  }
  return node;
}

/** Node 1 of `voters` as a leader with its no-op on disk; nothing is taken as sent yet. */
export function leader(voters = 3, log: readonly number[] = [1], setup: Setup = {}): TestNode {
  const node = candidate(voters, log, setup);
  for (let id = 2; id <= voters && node.core.role !== "leader"; id += 1)
    node.core.step(voteReply({ from: id, term: node.core.term, granted: true }));
  node.settle();
  assert(node.core.role === "leader", "enough votes make a leader");
  return node;
}

/** A leader whose no-op everybody has acknowledged. */
export function committedLeader(
  voters = 3,
  log: readonly number[] = [1],
  setup: Setup = {},
): TestNode {
  const node = leader(voters, log, setup);
  for (let id = 2; id <= voters; id += 1)
    node.core.step(accepted({ from: id, term: node.core.term, index: node.core.last.index }));
  node.settle();
  assert(node.core.commit === node.core.last.index, "what everybody has is committed");
  node.take();
  return node;
}
