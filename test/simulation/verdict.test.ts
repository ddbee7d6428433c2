// The judgement at the end of a run, on histories written by hand.

import { expect, test } from "vitest";
import { asIndex, asTerm, type Entry } from "../../src/raft/core/types.ts";
import type { Operation } from "../checking/history.ts";
import { drawPlan } from "./plan.ts";
import { checkHistory } from "./verdict.ts";

const plan = drawPlan(1);

const asked = (id: number, fields: Partial<Operation>): Operation => ({
  ...{ id, client: 1, node: 1, call: 10 * id, ret: 10 * id + 5 },
  ...{ op: "incrby", args: ["c0", "1"], res: id, kind: "ok", ...fields },
});

const committed = (text: string): Entry => ({
  ...{ index: asIndex(1), term: asTerm(1), kind: "data", data: Buffer.from(text) },
});

test("a counter that counts every acknowledged increment once is exact", () => {
  const read = asked(3, { op: "get", args: ["c0"], res: "2" });
  expect(checkHistory(plan, [asked(1, {}), asked(2, {}), read], [])).toBe(false);
});

test("an unknown increment may count or not, but not twice", () => {
  const unknown = asked(2, { kind: "info", ret: null, res: null });
  const read = (res: string) => asked(3, { op: "get", args: ["c0"], res });
  for (const value of ["1", "2"]) checkHistory(plan, [asked(1, {}), unknown, read(value)], []);
  for (const value of ["0", "3"]) {
    const history = [asked(1, {}), unknown, read(value)];
    expect(() => checkHistory(plan, history, [])).toThrow("exactly once");
  }
});

test("what was refused must not be in the log", () => {
  const refused = asked(1, { op: "set", args: ["r0", "v1"], kind: "fail", res: null });
  expect(checkHistory(plan, [refused], [committed("$2\r\nv2\r\n")])).toBe(false);
  expect(() => checkHistory(plan, [refused], [committed("$2\r\nv1\r\n")])).toThrow(
    "9 acknowledged",
  );
});

test("a stale read has no order that explains it", () => {
  const history = [
    asked(1, { op: "set", args: ["r0", "v1"], res: "OK" }),
    asked(2, { op: "get", args: ["r0"], res: null }),
  ];
  expect(() => checkHistory(plan, history, [])).toThrow("linearizability");
});
