// Good and bad histories of single keys, by hand.

import { describe, expect, test } from "vitest";
import type { Operation } from "./history.ts";
import { checkLinearizability } from "./linearizability.ts";
import { registerModel } from "./register-model.ts";
import { operations } from "./support/timeline.ts";

const check = (history: readonly Operation[], stepsMax?: number) =>
  checkLinearizability(registerModel(0), history, stepsMax);

const good: readonly [string, string][] = [
  ["an empty history", ""],
  [
    "one client alone",
    `0..10 c1 set x a -> OK
     20..30 c1 get x -> a
     40..50 c1 del x -> 1
     60..70 c1 get x -> nil`,
  ],
  [
    "a read during a write sees the old value",
    `0..5 c1 set x a -> OK
     10..50 c1 set x b -> OK
     20..30 c2 get x -> a
     60..70 c2 get x -> b`,
  ],
  [
    "a read during a write sees the new value",
    `0..5 c1 set x a -> OK
     10..50 c1 set x b -> OK
     20..30 c2 get x -> b`,
  ],
  [
    "two writes at once end in either order",
    `0..10 c1 set x a -> OK
     0..10 c2 set x b -> OK
     20..30 c3 get x -> a`,
  ],
  [
    "a call at the very moment of a return still overlaps it",
    `0..10 c1 set x a -> OK
     10..20 c2 get x -> nil`,
  ],
  [
    "an unknown write that never took effect",
    `0.. c1 set x a -> info
     10..20 c2 get x -> nil
     30..40 c2 get x -> nil`,
  ],
  [
    "an unknown write that takes effect late",
    `0.. c1 set x a -> info
     10..20 c2 get x -> nil
     30..40 c2 set x b -> OK
     50..60 c2 get x -> b
     70..80 c2 get x -> a`,
  ],
  [
    "an unknown increment that took effect once",
    `0..5 c1 incrby x 1 -> 1
     10.. c2 incrby x 1 -> info
     30..40 c1 incrby x 1 -> 3`,
  ],
  [
    "a failed write that nobody sees",
    `0..10 c1 set x a -> OK
     20..30 c2 set x b -> fail
     40..50 c1 get x -> a`,
  ],
  [
    "one of two SET NX wins",
    `0..10 c1 set x a NX -> OK
     5..15 c2 set x b NX -> nil
     20..30 c3 get x -> a`,
  ],
  [
    "increments at once each get their own number",
    `0..30 c1 incrby x 1 -> 3
     0..30 c2 incrby x 1 -> 1
     0..30 c3 incrby x 1 -> 2`,
  ],
  [
    "appends say in which order they came",
    `0..30 c1 append x bb -> 3
     0..30 c2 append x a -> 1
     40..50 c1 get x -> abb`,
  ],
  [
    "GETDEL hands the value to one client only",
    `0..5 c1 set x a -> OK
     10..20 c1 getdel x -> nil
     10..20 c2 getdel x -> a`,
  ],
  [
    "keys are judged apart",
    `0..10 c1 set x a -> OK
     20..30 c2 set y b -> OK
     40..50 c1 get x -> a
     40..50 c2 get y -> b`,
  ],
];

const bad: readonly [string, string][] = [
  [
    "a stale read",
    `0..10 c1 set x a -> OK
     20..30 c1 set x b -> OK
     40..50 c2 get x -> a`,
  ],
  [
    "a lost update: two increments, one number",
    `0..10 c1 incrby x 1 -> 1
     0..10 c2 incrby x 1 -> 1`,
  ],
  [
    "an increment that took effect twice",
    `0..10 c1 incrby x 1 -> 1
     20..30 c1 get x -> 2`,
  ],
  [
    "a read of a failed write",
    `0..10 c1 set x a -> OK
     20..30 c2 set x b -> fail
     40..50 c1 get x -> b`,
  ],
  [
    "an unknown increment that took effect twice",
    `0..5 c1 incrby x 1 -> 1
     10.. c2 incrby x 1 -> info
     30..40 c1 incrby x 1 -> 4`,
  ],
  [
    "an unknown write that took effect twice",
    `0.. c1 set x a -> info
     10..20 c2 get x -> a
     30..40 c2 set x b -> OK
     50..60 c2 get x -> b
     70..80 c2 get x -> a`,
  ],
  [
    "an unknown write that is seen before its call",
    `0..10 c2 get x -> a
     20.. c1 set x a -> info`,
  ],
  [
    "a read from the future",
    `0..10 c2 get x -> a
     20..30 c1 set x a -> OK`,
  ],
  [
    "a value that nobody wrote",
    `0..10 c1 set x a -> OK
     20..30 c2 get x -> z`,
  ],
  [
    "two readers see two writes in different orders",
    `0..90 c1 set x a -> OK
     0..90 c2 set x b -> OK
     10..20 c3 get x -> a
     30..40 c3 get x -> b
     50..60 c4 get x -> a`,
  ],
  [
    "a value that was seen, and then was not there yet",
    `0..5 c1 set x a -> OK
     10..90 c1 set x b -> OK
     20..30 c2 get x -> b
     40..50 c3 get x -> a`,
  ],
  [
    "an acknowledged write that is lost",
    `0..10 c1 set x a -> OK
     20..30 c2 get x -> nil`,
  ],
  [
    "a deleted key that comes back",
    `0..10 c1 set x a -> OK
     20..30 c1 del x -> 1
     40..50 c2 get x -> a`,
  ],
  [
    "two winners of SET NX",
    `0..20 c1 set x a NX -> OK
     5..15 c2 set x b NX -> OK`,
  ],
  [
    "SET NX that is refused by a key that is not there",
    `0..10 c1 set x a -> OK
     20..30 c1 del x -> 1
     40..50 c2 set x b NX -> nil`,
  ],
  [
    "GETDEL that hands one value to two clients",
    `0..5 c1 set x a -> OK
     10..20 c1 getdel x -> a
     10..20 c2 getdel x -> a`,
  ],
  [
    "DEL that deletes one key twice",
    `0..5 c1 set x a -> OK
     10..20 c1 del x -> 1
     10..20 c2 del x -> 1`,
  ],
  [
    "a lost append",
    `0..10 c1 append x a -> 1
     20..30 c2 append x b -> 1`,
  ],
  [
    "an append that took effect twice",
    `0..10 c1 append x a -> 1
     20..30 c2 get x -> aa`,
  ],
  [
    "an increment on top of a value that is no number",
    `0..10 c1 set x a -> OK
     20..30 c2 incrby x 1 -> 1`,
  ],
  [
    "real time between two clients: the second write had returned first",
    `0..10 c1 set x a -> OK
     20..30 c2 set x b -> OK
     40..50 c3 get x -> b
     60..70 c4 get x -> a`,
  ],
];

describe("linearizable", () => {
  for (const [title, text] of good) {
    test(title, () => expect(check(operations(text)).verdict).toBe("linearizable"));
  }
});

describe("not linearizable", () => {
  for (const [title, text] of bad) {
    test(title, () => expect(check(operations(text)).verdict).toBe("not-linearizable"));
  }
});

describe("the verdict", () => {
  test("has a witness: a legal order per key, without what never took effect", () => {
    const verdict = check(
      operations(`0.. c1 set x a -> info
                  0..30 c2 set x b -> OK
                  10..20 c3 get x -> nil
                  40..50 c3 get x -> b
                  0..10 c1 set y c -> OK`),
    );
    if (verdict.verdict !== "linearizable") throw new Error(verdict.verdict);
    expect([...verdict.witness.keys()]).toEqual(["x", "y"]);
    const idsOfX = verdict.witness.get("x")?.map(({ id }) => id) ?? [];
    expect(idsOfX.filter((id) => id !== 1)).toEqual([3, 2, 4]);
  });

  test("names the operation that could not be placed, with what lay around it", () => {
    const verdict = check(
      operations(`0..10 c1 set x a -> OK
                  15..18 c3 set x b -> fail
                  20..60 c1 set x c -> OK
                  30..40 c2 get x -> b`),
    );
    if (verdict.verdict !== "not-linearizable") throw new Error(verdict.verdict);
    expect(verdict.partition).toBe("x");
    expect(verdict.prefix.map(({ id }) => id)).toEqual([1, 3]);
    expect(verdict.blocked.id).toBe(4);
    expect(verdict.explanation).toBe(
      [
        "x is not linearizable: no order of its 3 operations explains all replies.",
        "The longest legal order has 2; before anything else can follow, this one has returned:",
        '  #4 client 2: get "x" -> "b" [30.000 .. 40.000 ms]',
        "The last 2 in that order:",
        '  #1 client 1: set "x" "a" -> "OK" [0.000 .. 10.000 ms]',
        '  #3 client 1: set "x" "c" -> "OK" [20.000 .. 60.000 ms]',
        'State after them: "c" from 20 ms',
        "Open then, and not placed:",
        '  #4 client 2: get "x" -> "b" [30.000 .. 40.000 ms]: does not fit the state',
        "Definitely not executed, but its value was seen:",
        '  #2 client 3: set "x" "b" -> fail [15.000 .. 18.000 ms]',
      ].join("\n"),
    );
  });

  test("is unknown when the budget ends, and names the keys", () => {
    const history = operations(`0..10 c1 set x a -> OK
                                20..30 c1 get x -> a
                                0..10 c1 set y a -> OK`);
    const verdict = check(history, 1);
    expect(verdict).toEqual({ verdict: "unknown", partitions: ["x"], steps: 2 });
  });

  test("of one bad key outweighs an unknown one", () => {
    const history = operations(`0..10 c1 set x a -> OK
                                20..30 c1 get x -> a
                                0..10 c2 get y -> z`);
    expect(check(history, 1).verdict).toBe("not-linearizable");
  });
});

test("a history of 200,000 operations on one key does not exhaust the stack", () => {
  const history: Operation[] = Array.from({ length: 200_000 }, (_, at) => ({
    id: at,
    client: 1,
    node: 1,
    call: 2 * at,
    ret: 2 * at + 1,
    op: "incrby",
    args: ["x", "1"],
    res: at + 1,
    kind: "ok",
  }));
  expect(check(history).verdict).toBe("linearizable");
}, 30_000);

test("a model is asked only for commands that it knows", () => {
  expect(() => check(operations("0..10 c1 lpush x a -> 1"))).toThrow(
    'operation 1: the model does not know lpush ["x","a"]',
  );
});
