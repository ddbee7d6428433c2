// Keys with a TTL, by hand, and the commands of the model one by one.

import { describe, expect, test } from "vitest";
import { checkLinearizability } from "./linearizability.ts";
import { registerModel } from "./register-model.ts";
import { operations } from "./support/timeline.ts";

const slackMs = 10;
const check = (text: string) =>
  checkLinearizability(registerModel(slackMs), operations(text)).verdict;

const good: readonly [string, string][] = [
  [
    "a value that is seen until its expiry, and not after it",
    `0..5 c1 set x a PX 100 -> OK
     50..60 c1 get x -> a
     120..130 c1 get x -> nil`,
  ],
  [
    "an expiry that is early by less than the slack",
    `0..5 c1 set x a PX 100 -> OK
     85..92 c1 get x -> nil`,
  ],
  [
    "an expiry that is late by less than the slack",
    `0..5 c1 set x a PX 100 -> OK
     114..120 c1 get x -> a`,
  ],
  [
    "EX counts in seconds",
    `0..5 c1 set x a EX 1 -> OK
     980..985 c1 get x -> a
     1020..1025 c1 get x -> nil`,
  ],
  [
    "SET without a TTL takes the old one away",
    `0..5 c1 set x a PX 100 -> OK
     10..15 c1 set x b -> OK
     900..905 c1 get x -> b`,
  ],
  [
    "APPEND and INCRBY keep the TTL",
    `0..5 c1 set x 1 PX 100 -> OK
     10..15 c1 incrby x 1 -> 2
     20..25 c1 append x 0 -> 2
     30..35 c1 get x -> 20
     130..135 c1 get x -> nil`,
  ],
  [
    "SET NX takes an expired key",
    `0..5 c1 set x a PX 100 -> OK
     120..125 c1 set x b NX -> OK
     130..135 c1 get x -> b`,
  ],
  [
    "one reader that sees the value and one that does not, both within the slack",
    `0..5 c1 set x a PX 100 -> OK
     95..105 c1 get x -> nil
     95..105 c2 get x -> a`,
  ],
  [
    "an unknown APPEND that met the value, or did not",
    `0..5 c1 set x a PX 100 -> OK
     95.. c2 append x b -> info
     100..105 c1 append x c -> 2
     106..108 c1 get x -> bc`,
  ],
  [
    "an unknown SET NX that was refused, or not",
    `0..5 c1 set x a PX 100 -> OK
     95..96 c2 set x b NX -> nil
     97.. c2 set x b NX -> info
     110..112 c1 get x -> b`,
  ],
  [
    "an unknown SET whose TTL begins late",
    `0.. c1 set x a PX 100 -> info
     400..405 c2 get x -> nil
     500..505 c2 get x -> a
     590..595 c2 get x -> a
     620..625 c2 get x -> nil`,
  ],
];

const bad: readonly [string, string][] = [
  [
    "a key that expires too early",
    `0..5 c1 set x a PX 100 -> OK
     70..80 c1 get x -> nil`,
  ],
  [
    "a key that is seen too late",
    `0..5 c1 set x a PX 100 -> OK
     116..120 c1 get x -> a`,
  ],
  [
    "a key that comes back after it was seen expired",
    `0..5 c1 set x a PX 100 -> OK
     95..100 c1 get x -> nil
     101..105 c2 get x -> a`,
  ],
  [
    "a key that comes back after SET NX could take it",
    `0..5 c1 set x a PX 100 -> OK
     95..100 c1 set x b NX -> OK
     101..105 c2 get x -> a`,
  ],
  [
    "a key with a TTL that never expires",
    `0..5 c1 set x a PX 100 -> OK
     9000..9005 c1 set x b NX -> nil`,
  ],
  [
    "a key without a TTL that expires",
    `0..5 c1 set x a PX 100 -> OK
     10..15 c1 set x b -> OK
     120..125 c1 get x -> nil`,
  ],
  [
    "a TTL that APPEND has taken away",
    `0..5 c1 set x a PX 100 -> OK
     10..15 c1 append x b -> 2
     200..205 c1 get x -> ab`,
  ],
  [
    "a long read that hides an early expiry from a short one after it",
    `0..5 c1 set x a PX 500 -> OK
     10..1000 c2 getdel x -> nil
     20..30 c3 set x b NX -> OK
     40..50 c3 get x -> b`,
  ],
  [
    "an unknown SET that was seen, and outlives the TTL since then",
    `0.. c1 set x a PX 100 -> info
     10..15 c2 get x -> a
     400..405 c2 get x -> a`,
  ],
  [
    "a TTL that begins before a read that precedes the SET",
    `0..5 c1 set x a -> OK
     10..90 c1 set x b PX 20 -> OK
     50..55 c2 get x -> a
     56..58 c2 get x -> nil`,
  ],
];

describe("a TTL is kept", () => {
  for (const [title, text] of good) test(title, () => expect(check(text)).toBe("linearizable"));
});

describe("a TTL is broken", () => {
  for (const [title, text] of bad) test(title, () => expect(check(text)).toBe("not-linearizable"));
});

describe("replies", () => {
  const replies: readonly [string, string][] = [
    ["SET GET replies the old value", "10..15 c1 set x b GET -> a"],
    ["SET XX meets a key", "10..15 c1 set x b XX -> OK"],
    ["SET NX GET replies what was in its way", "10..15 c1 set x b NX GET -> a"],
    ["EXISTS counts", "10..15 c1 exists x -> 1"],
    ["GETDEL replies the value", "10..15 c1 getdel x -> a"],
    ["APPEND replies the length", "10..15 c1 append x bc -> 3"],
  ];
  for (const [title, line] of replies) {
    test(`${title}, and any other reply is wrong`, () => {
      const history = operations(`0..5 c1 set x a -> OK\n${line}`);
      const [first, second] = history;
      if (first === undefined || second === undefined) throw new Error("two operations");
      const verdict = (res: typeof second.res) =>
        checkLinearizability(registerModel(0), [first, { ...second, res }]).verdict;
      expect(verdict(second.res)).toBe("linearizable");
      for (const wrong of [null, "z", 7, String(second.res) === "OK" ? "a" : "OK"]) {
        expect(verdict(wrong)).toBe("not-linearizable");
      }
    });
  }

  test("INCRBY goes to 64 bits, in text beyond 2^53, and not over", () => {
    const [set, add] = operations(`0..5 c1 set x 9223372036854775806 -> OK
                                   10..15 c1 incrby x 1 -> 0`);
    if (set === undefined || add === undefined) throw new Error("two operations");
    const verdict = (word: string, res: string) => {
      const sum = { ...add, args: ["x", word], res };
      return checkLinearizability(registerModel(0), [set, sum]).verdict;
    };
    expect(verdict("1", "9223372036854775807")).toBe("linearizable");
    expect(verdict("1", "9223372036854775808")).toBe("not-linearizable");
    expect(verdict("2", "9223372036854775808")).toBe("not-linearizable");
  });

  test("an unknown INCRBY on what is no number changes nothing", () => {
    expect(
      check(`0..5 c1 set x a -> OK
             10.. c2 incrby x 1 -> info
             20..25 c1 get x -> a`),
    ).toBe("linearizable");
  });
});
