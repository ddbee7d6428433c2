// What is an error for a client of a living node, and how long nobody could write.

import { describe, expect, test } from "vitest";
import type { Operation, Outcome } from "../../checking/history.ts";
import { type Cycle, errorsAtLiving, longestGaps } from "./availability.ts";

const ms = 1e6;

function operation(atMs: number, node: number, kind: Outcome, op = "set"): Operation {
  const [call, ret] = [atMs * ms, kind === "info" ? null : (atMs + 1) * ms];
  return { id: atMs, client: 0, node, call, ret, op, args: ["text:0:0", "a"], res: "OK", kind };
}

const cycle: Cycle = {
  fault: "kill-leader",
  victims: [1],
  start: 10_000 * ms,
  heal: 12_000 * ms,
  recovered: 13_000 * ms,
  terms: 1,
};

describe("errors at clients of living nodes", () => {
  test("are those of other nodes than the victims, and those out of the fault's time", () => {
    const excused = [operation(9_999, 1, "info"), operation(12_500, 1, "fail")];
    const errors = [
      operation(1_000, 1, "info"), // Its answer was given up long before the fault.
      operation(11_000, 0, "fail"),
      operation(11_001, 2, "info"),
      operation(13_001, 1, "fail"),
    ];
    const impatient = { ...operation(1_000, 0, "info"), res: "gave up" };
    expect(errorsAtLiving([impatient, ...excused, ...errors], [cycle])).toEqual(errors);
  });
});

describe("the longest gap", () => {
  const writes = [9_000, 9_900, 11_000, 12_000, 14_000].map((at) => operation(at, 0, "ok"));

  test("begins with the last acknowledged write before the fault", () => {
    expect(longestGaps(writes.slice(0, 3), [cycle], 11_500 * ms)).toEqual([1_100]);
  });

  test("begins with the fault when nothing was acknowledged before", () => {
    expect(longestGaps([], [cycle], 11_500 * ms)).toEqual([1_500]);
  });

  test("lasts until the end when no write comes any more", () => {
    expect(longestGaps(writes.slice(0, 2), [cycle], 20_000 * ms)).toEqual([10_099]);
  });

  test("counts neither reads nor what was not acknowledged", () => {
    const others = [operation(10_500, 0, "ok", "get"), operation(10_600, 0, "info")];
    expect(longestGaps([...writes.slice(0, 3), ...others], [cycle], 11_500 * ms)).toEqual([1_100]);
  });

  test("is told for each fault, up to the next one", () => {
    const next = { ...cycle, start: 13_000 * ms };
    expect(longestGaps(writes, [cycle, next], 14_500 * ms)).toEqual([1_100, 2_000]);
  });
});
