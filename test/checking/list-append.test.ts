// Good and bad histories of list transactions, by hand.

import { describe, expect, test } from "vitest";
import { checkListAppend } from "./list-append.ts";
import { transactions } from "./support/timeline.ts";

const check = (text: string) => checkListAppend(transactions(text)).anomalies;
const names = (text: string) => check(text).map(({ name }) => name);

const good: readonly [string, string][] = [
  ["an empty history", ""],
  [
    "appends and reads one after the other",
    `0..10 c1 append x 1
     20..30 c2 append x 2
     40..50 c1 read x [1 2]`,
  ],
  [
    "appends at once in either order",
    `0..10 c1 append x 1
     0..10 c2 append x 2
     20..30 c1 read x [2 1]`,
  ],
  [
    "a transaction that reads its own appends",
    `0..10 c1 append x 1
     20..30 c1 read x [1], append x 2, append x 3, read x [1 2 3], append y 1, read y [1]`,
  ],
  [
    "a read during an append",
    `0..50 c1 append x 1, append y 1
     10..20 c2 read x [1], read y [1]
     60..70 c2 read y [1]`,
  ],
  [
    "an unknown transaction that took effect late",
    `0.. c1 append x 1, append y 1
     10..20 c2 read x [], read y []
     30..40 c2 append x 2
     50..60 c2 read x [2 1], read y [1]`,
  ],
  [
    "an unknown transaction that never took effect",
    `0.. c1 append x 1, append y 1
     10..20 c2 append x 2
     50..60 c2 read x [2], read y []`,
  ],
  [
    "a failed transaction that nobody sees",
    `0..10 c1 append x 1, read y ? -> fail
     20..30 c2 read x []`,
  ],
  [
    "an acknowledged append that nobody looked for since",
    `0..20 c1 append x 1
     10..15 c2 read x []`,
  ],
  [
    "a transaction that reads between two others",
    `0..90 c1 append x 1, append y 1
     0..90 c2 read x [1], read y [1]
     0..90 c3 append x 2, append y 2
     100..110 c1 read x [1 2], read y [1 2]`,
  ],
];

/** Title, history, and all that is to be reported. */
const bad: readonly [string, string, string][] = [
  [
    "a lost append",
    `0..10 c1 append x 1
     20..30 c1 append x 2
     40..50 c2 read x [1]`,
    "lost-append",
  ],
  [
    "half of an unknown transaction that was seen is lost",
    `0.. c1 append x 1, append y 1
     10..20 c2 read x [1]
     30..40 c2 read y []`,
    "lost-append",
  ],
  [
    "an append that took effect twice",
    `0..10 c1 append x 1
     20..30 c2 read x [1 1]`,
    "duplicate-append",
  ],
  [
    "a value that nobody appended",
    `0..10 c1 append x 1
     20..30 c2 read x [1 9]`,
    "garbage-read",
  ],
  [
    "an aborted read",
    `0..10 c1 append x 1 -> fail
     20..30 c2 read x [1]`,
    "aborted-read",
  ],
  [
    "an intermediate read",
    `0..90 c1 append x 1, append x 2
     10..20 c2 read x [1]
     95..99 c2 read x [1 2]`,
    "intermediate-read G-single",
  ],
  [
    "split brain: two readers, two orders",
    `0..10 c1 append x 1
     0..10 c2 append x 2
     20..30 c1 read x [1]
     20..30 c2 read x [2]`,
    "incompatible-order",
  ],
  ["a transaction that does not see its own append", `0..10 c1 append x 1, read x []`, "internal"],
  [
    "a transaction that sees its own append before it makes it",
    `0..10 c1 read x [1], append x 1`,
    "internal",
  ],
  [
    "a transaction that reads a key twice, differently",
    `0..90 c1 append x 1
     0..90 c2 read x [], read x [1]`,
    "internal",
  ],
  [
    "G0: two transactions append to two keys in opposite orders",
    `0..90 c1 append x 1, append y 1
     0..90 c2 append x 2, append y 2
     95..99 c3 read x [1 2], read y [2 1]`,
    "G0",
  ],
  [
    "G1c: each of two transactions sees the other one",
    `0..90 c1 append x 1, read y [2]
     0..90 c2 append y 2, read x [1]`,
    "G1c",
  ],
  [
    "G-single: a read that is torn between two keys",
    `0..90 c1 append x 1, append y 1
     0..90 c2 read x [1], read y []
     95..99 c3 read x [1], read y [1]`,
    "G-single",
  ],
  [
    "G-single: a lost update",
    `0..90 c1 read x [], append x 1
     0..90 c2 read x [], append x 2
     95..99 c3 read x [1 2]`,
    "G-single",
  ],
  [
    "G2: write skew",
    `0..90 c1 read x [], append y 1
     0..90 c2 read y [], append x 2
     95..99 c3 read x [2], read y [1]`,
    "G2",
  ],
  [
    "G0-realtime: an append overtakes one that had returned",
    `0..10 c1 append x 1
     20..30 c2 append x 2
     40..50 c3 read x [2 1]`,
    "G0-realtime",
  ],
  [
    "G1c-realtime: a read from the future",
    `0..10 c1 read x [1]
     20..30 c2 append x 1`,
    "G1c-realtime",
  ],
  [
    "G-single-realtime: a stale read",
    `0..10 c1 append x 1
     20..30 c2 append x 2
     40..50 c3 read x [1]
     60..70 c3 read x [1 2]`,
    "G-single-realtime",
  ],
  [
    "G-single-realtime: a stale read long after, through many others",
    `0..10 c1 append x 1
     20..30 c2 append y 2
     40..50 c2 append y 3
     60..70 c2 append y 4
     80..90 c3 read x []
     95..99 c3 read x [1], read y [2 3 4]`,
    "G-single-realtime",
  ],
  [
    "G2-realtime: two appends, each missing where the other one shows",
    `0..10 c1 append x 1
     0..90 c2 append y 2
     20..30 c3 read y []
     0..90 c4 read x [], read y [2]
     95..99 c3 read x [1], read y [2]`,
    "G2-realtime",
  ],
  [
    "G-single, though a G2 between the same transactions is shorter",
    `0..90 c1 read x [], append y 1, read z [3]
     0..90 c2 read y [], append x 2
     0..90 c3 read x [2], append z 3
     95..99 c4 read x [2], read y [1], read z [3]`,
    "G-single",
  ],
  [
    "G2, though the same transactions have a cycle with real time as well",
    `0..20 c1 read x [], append y 1
     0..20 c2 read y [], append x 2
     30..40 c3 append x 5
     50..60 c1 read x [5 2], read y [1]`,
    "G2",
  ],
  [
    "G2: write skew that no later read shows",
    `0..90 c1 read x [], append y 1
     0..90 c2 read y [], append x 2`,
    "G2",
  ],
  [
    "half of an unknown transaction in one read",
    `0.. c1 append x 1, append y 1
     10..20 c2 read x [1], read y []`,
    "G-single",
  ],
  [
    "a lost append that another bug hides on the same key is still told apart",
    `0..10 c1 append x 1
     20..30 c1 append x 2
     40..50 c2 read x [1 1]`,
    "duplicate-append lost-append",
  ],
];

describe("strictly serializable", () => {
  for (const [title, text] of good) test(title, () => expect(check(text)).toEqual([]));
});

describe("not strictly serializable", () => {
  for (const [title, text, expected] of bad) {
    test(title, () => expect(names(text).join(" ")).toBe(expected));
  }
});

test("a cycle is told as a story: who, and why before whom", () => {
  const [anomaly] = check(`0..10 c1 append x 1
                           20..30 c2 append x 2
                           32..34 c1 append y 7
                           40..50 c3 read x [1]
                           60..70 c3 read x [1 2], read y [7]`);
  expect(anomaly?.explanation).toBe(
    [
      "G-single-realtime: 2 transactions, each of which must come before the next one.",
      "  T1 = #4 client 3: read x [1] [40.000 .. 50.000 ms]",
      "  T2 = #2 client 2: append x 2 [20.000 .. 30.000 ms]",
      "  T1 < T2: T1 read x as [1], without 2, which T2 appended (rw)",
      "  T2 < T1: T2 had returned before T1 was called (real time)",
      "So T1 must come before itself.",
    ].join("\n"),
  );
});

test("the shortest of several cycles is told", () => {
  const [anomaly] = check(`0..90 c1 append a 1, append d 1
                           0..90 c2 append a 2, append b 2
                           0..90 c3 append b 3, append c 3
                           0..90 c4 append c 4, append d 4, append b 4
                           95..99 c5 read a [1 2], read b [4 2 3], read c [3 4], read d [4 1]`);
  expect(anomaly?.name).toBe("G0");
  expect(anomaly?.transactions.map(({ id }) => id).toSorted()).toEqual([2, 3, 4]);
});

test("a value that two transactions append makes a history unfit", () => {
  expect(() => check("0..10 c1 append x 1\n20..30 c2 append x 1")).toThrow(
    "1 is appended to x twice: values must be unique",
  );
});
