// Followers that are far behind: what is read from disk for them has a budget in each turn, shared by all of them.

import { expect, test } from "vitest";
import { accepted, refused } from "../../support/raft-messages.ts";
import type { TestNode } from "../../support/raft-node.ts";
import { leader } from "../../support/raft-roles.ts";

const entryCount = 400;
/** Of data and of the share for its header. */
const entryBytesMax = 40;
const catchUpBytesPerTurn = 1_000;
const window = { inflightMessagesMax: 10_000, inflightBytesMax: 1_000_000 };

/** A leader of five with `entryCount` entries on disk alone; followers 2 to 4 have the first one, and say so. */
function leaderWithHistory(appendBytesMax: number): TestNode {
  const log = Array.from({ length: entryCount }, () => 1);
  const node = leader(5, log, { options: { ...window, appendBytesMax, catchUpBytesPerTurn } });
  node.log.cachedFrom = entryCount + 1;
  const behind = [2, 3, 4];
  for (const from of behind)
    node.core.step(refused({ from, term: 2, index: entryCount, hint: "1/1" }));
  node.settle();
  for (const from of behind) node.core.step(accepted({ from, term: 2, index: 1 }));
  node.take();
  node.log.bytesRead = 0;
  return node;
}

/** The newest entry that was sent to each follower. */
function newestSent(node: TestNode, sent: Map<number, number>): Map<number, number> {
  for (const { to, entries } of node.taken("appendEntries")) {
    const newest = entries.at(-1)?.index;
    if (newest !== undefined) sent.set(to, newest);
  }
  return sent;
}

for (const appendBytesMax of [100, 1_000, 5_000]) {
  test(`one turn reads at most its budget and one entry, with ${appendBytesMax} bytes a message`, () => {
    const node = leaderWithHistory(appendBytesMax);
    const sent = new Map<number, number>();
    for (let turn = 0; turn < 9; turn += 1) {
      node.log.bytesRead = 0;
      node.turn();
      expect(node.log.bytesRead).toBeGreaterThan(0);
      expect(node.log.bytesRead).toBeLessThanOrEqual(catchUpBytesPerTurn + entryBytesMax);
      expect(node.core.wantsTurn).toBe(true);
      newestSent(node, sent);
    }
    // Each has got its share, and none more than two messages or turns ahead of another.
    const indexes = [2, 3, 4].map((id) => sent.get(id) ?? 0);
    const perTurn = catchUpBytesPerTurn / 20;
    expect(Math.min(...indexes)).toBeGreaterThan(perTurn);
    expect(Math.max(...indexes) - Math.min(...indexes)).toBeLessThanOrEqual(2 * perTurn);
  });
}

test("turns go on until everybody has everything, and then none is asked for", () => {
  const node = leaderWithHistory(1_000);
  const sent = new Map<number, number>();
  let turns = 0;
  for (; node.core.wantsTurn || turns === 0; turns += 1) {
    node.turn();
    newestSent(node, sent);
  }
  expect([2, 3, 4].map((id) => sent.get(id))).toEqual([401, 401, 401]);
  expect(turns).toBeGreaterThan(10);
});

test("a follower that is a little behind gets entries from memory whatever is left of the budget", () => {
  const node = leaderWithHistory(1_000);
  node.core.step(accepted({ from: 5, term: 2, index: entryCount + 1 }));
  node.turn();
  node.turn();
  node.take();
  node.core.propose([new Uint8Array(10)]);
  node.turn();
  const toFive = node.taken("appendEntries").filter(({ to }) => to === 5);
  expect(toFive).toMatchObject([{ entries: [{ index: entryCount + 2 }] }]);
});
