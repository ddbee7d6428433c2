// Random list histories against trying every order, and one of 100,000 transactions.

import fc from "fast-check";
import { expect, test } from "vitest";
import { checkListAppend } from "./list-append.ts";
import { bruteForceStrictSerializable } from "./support/brute-force.ts";
import { listHistory } from "./support/random-history.ts";
import type { MicroOp, Transaction } from "./transaction.ts";

test("what was executed in some order, inside its intervals, has no anomaly", () => {
  const shape = { clients: 6, keys: 3, operations: 60, lossWeight: 3 };
  fc.assert(
    fc.property(listHistory(shape), (history) => {
      expect(checkListAppend(history).anomalies).toEqual([]);
    }),
    { seed: 1, numRuns: 500 },
  );
});

interface Damage {
  readonly transaction: number;
  readonly op: number;
  readonly list: readonly number[];
  readonly cut: number | null;
}

/** One read is replaced or cut. */
function damaged(history: readonly Transaction[], damage: Damage): Transaction[] {
  const isRead = (op: MicroOp): boolean => op[0] === "read" && op[2] !== null;
  const readers = history.filter(({ ops }) => ops.some(isRead));
  const chosen = readers[damage.transaction % readers.length];
  if (chosen === undefined) return [...history];
  const reads = chosen.ops.filter(isRead);
  const replaced = reads[damage.op % reads.length];
  const ops = chosen.ops.map((op): MicroOp => {
    if (op !== replaced || op[0] !== "read" || op[2] === null) return op;
    const list = damage.cut === null ? damage.list : op[2].slice(0, damage.cut);
    return ["read", op[1], list];
  });
  return history.map((each) => (each === chosen ? { ...chosen, ops } : each));
}

test("after a change anomalies are found exactly when no order explains all reads", () => {
  const shape = { clients: 4, keys: 2, operations: 6, lossWeight: 3 };
  const change = fc.record({
    transaction: fc.nat(),
    op: fc.nat(),
    list: fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 3 }),
    cut: fc.option(fc.integer({ min: 0, max: 3 }), { freq: 3 }),
  });
  const seen = { good: 0, bad: 0 };
  fc.assert(
    fc.property(listHistory(shape), change, (whole, damage) => {
      const history = damaged(whole, damage);
      const { anomalies } = checkListAppend(history);
      seen[anomalies.length === 0 ? "good" : "bad"]++;
      expect(anomalies.length === 0).toBe(bruteForceStrictSerializable(history));
    }),
    { seed: 2, numRuns: 4000 },
  );
  expect(Math.min(seen.good, seen.bad)).toBeGreaterThan(500);
});

/** A store that is right, with clients that are always busy; every tenth transaction only reads. */
function longHistory(size: number, clients: number): Transaction[] {
  const lists = new Map<string, number[]>();
  const history: Transaction[] = [];
  for (let id = 0; id < size; id++) {
    const key = (which: number): string => `k${Math.floor(id / 300)}-${(id * which) % 3}`;
    const other = key(2);
    const ops: MicroOp[] = [["read", other, [...(lists.get(other) ?? [])]]];
    if (id % 10 !== 0) {
      const own = key(1);
      lists.set(own, [...(lists.get(own) ?? []), id]);
      ops.push(["append", own, id]);
    }
    // Effects are at 10 * id; each takes as long as the others need to have one each.
    const call = 10 * id - 4 * clients - (id % 7);
    const ret = 10 * id + 4 * clients + (id % 5);
    history.push({ id, client: id % clients, call: call + 1000, ret: ret + 1000, kind: "ok", ops });
  }
  return history;
}

test("100,000 transactions of ten clients are checked in seconds", () => {
  const history = longHistory(100_000, 10);
  expect(checkListAppend(history).anomalies).toEqual([]);
}, 60_000);

test("one stale read among 100,000 transactions is found", () => {
  const history = longHistory(100_000, 10).map((each): Transaction => {
    if (each.id !== 50_290) return each;
    const ops = each.ops.map(
      (op): MicroOp =>
        op[0] === "read" && op[2] !== null ? ["read", op[1], op[2].slice(0, -30)] : op,
    );
    return { ...each, ops };
  });
  const { anomalies } = checkListAppend(history);
  expect(anomalies.map(({ name }) => name)).toEqual(["G-single-realtime"]);
  expect(anomalies[0]?.transactions.map(({ id }) => id)).toContain(50_290);
}, 60_000);
