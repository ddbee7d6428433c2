// Histories with one thing wrong each, and the verdict on them.

import { describe, expect, test } from "vitest";
import type { Json, Operation, Outcome } from "../../checking/history.ts";
import { judge } from "./verdict.ts";

type Step = readonly [words: string, res: Json, kind?: Outcome];

/** One after another, 1 ms each, with a pause of 1 ms between: real time orders them all. */
function history(...steps: readonly Step[]) {
  return steps.map(([words, res, kind = "ok"], id): Operation => {
    const [op = "", ...args] = words.split(" ");
    const call = id * 2e6;
    return {
      id,
      client: id,
      node: 0,
      call,
      ret: kind === "info" ? null : call + 1e6,
      op,
      args,
      res,
      kind,
    };
  });
}

const verdictOn = (...steps: readonly Step[]) => judge(history(...steps), 100);

const good: readonly Step[] = [
  ["mset list:0:1a ,1 list:0:1b ,2", "OK"],
  ["append list:0:1a ,3", 4],
  ["get list:0:1a", ",1,3"],
  ["mget list:0:1a list:0:1b", [",1,3", ",2"]],
  ["set text:0:0 a", "OK"],
  ["append text:0:0 b", 2],
  ["get text:0:0", "ab"],
  ["incrby number:0:0 5", 5],
  ["incr count:0", 1],
  ["incr count:0", "closed", "info"],
  ["incr count:0", 3],
  ["get count:0", "3"],
];

describe("the verdict", () => {
  test("is good for a good history", () => {
    expect(verdictOn(...good)).toEqual({ anomalies: [], unknown: [] });
  });

  test.each([
    [
      "a stale string",
      [
        ["set text:0:0 a", "OK"],
        ["set text:0:0 b", "OK"],
        ["get text:0:0", "a"],
      ],
    ],
    [
      "a lost string",
      [
        ["set text:0:0 a", "OK"],
        ["get text:0:0", null],
      ],
    ],
    [
      "a number added twice",
      [
        ["incrby number:0:0 5", 5],
        ["get number:0:0", "10"],
      ],
    ],
    [
      "an error that did happen",
      [
        ["set text:0:0 a", "CLUSTERDOWN", "fail"],
        ["get text:0:0", "a"],
      ],
    ],
    [
      "a lost append",
      [
        ["append list:0:1a ,1", 2],
        ["get list:0:1a", null],
      ],
    ],
    [
      "an append applied twice",
      [
        ["append list:0:1a ,1", 2],
        ["get list:0:1a", ",1,1"],
      ],
    ],
    [
      "a lost increment",
      [
        ["incr count:0", 1],
        ["incr count:0", 2],
        ["get count:0", "1"],
      ],
    ],
    [
      "an increment too many",
      [
        ["incr count:0", 1],
        ["get count:0", "2"],
      ],
    ],
    [
      "one number for two increments",
      [
        ["incr count:0", 1],
        ["incr count:0", 1],
        ["get count:0", "2"],
      ],
    ],
    [
      "a counter that runs backward",
      [
        ["incr count:0", 2],
        ["incr count:0", 1],
        ["get count:0", "2"],
      ],
    ],
  ] satisfies [string, readonly Step[]][])("tells %s", (_, steps) => {
    const { anomalies } = verdictOn(...(steps as readonly Step[]));
    expect(anomalies.length).toBeGreaterThan(0);
  });

  test("tells one number for two increments at the same time, though the sum is right", () => {
    const steps = history(["incr count:0", 1], ["incr count:0", 1], ["get count:0", "2"]);
    const [first, second, sum] = steps as [Operation, Operation, Operation];
    const { anomalies } = judge([first, { ...second, call: first.call }, sum]);
    expect(anomalies).toEqual([expect.stringContaining("two increments replied 1")]);
  });

  test("lets an increment of unknown fate have happened, or not", () => {
    const unknown = ["incr count:0", "closed", "info"] as const;
    for (const sum of ["0", "1"]) {
      expect(verdictOn(unknown, ["get count:0", sum]).anomalies).toEqual([]);
    }
    expect(verdictOn(unknown, ["get count:0", "2"]).anomalies).toHaveLength(1);
  });
});
