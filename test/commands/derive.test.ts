// Key positions, ranges and categories of declarations that the table has not (yet).

import { expect, test } from "vitest";
import {
  arityFits,
  categoriesOf,
  commandKeys,
  flagsOf,
  keyPositions,
  legacyRange,
} from "../../src/state/commands/derive.ts";
import type { KeySpec, ReadCommand } from "../../src/state/commands/spec.ts";
import { index } from "../../src/state/commands/table.ts";
import { show } from "../support/command-session.ts";

function declare(change: Partial<ReadCommand>): ReadCommand {
  return {
    kind: "read",
    name: "sample",
    summary: "A sample.",
    since: "1.0.0",
    group: "generic",
    arity: -2,
    flags: [],
    read: () => null,
    ...change,
  };
}

const counted: KeySpec = {
  flags: ["RO"],
  begin: { at: 1 },
  find: { countAt: 0, first: 1, step: 1 },
};
const afterKeyword: KeySpec = {
  flags: ["RO"],
  begin: { keyword: "STREAMS", from: 1 },
  find: { last: -1, step: 1, limit: 2 },
};
const one = (at: number, ...flags: KeySpec["flags"]): KeySpec => ({
  flags,
  begin: { at },
  find: { last: 0, step: 1, limit: 0 },
});
const unknown: KeySpec = { flags: ["RO"], begin: "unknown", find: "unknown" };

const positions = (keys: readonly KeySpec[], line: string) => {
  const found = keyPositions(declare({ keys }), line.split(" "));
  return "text" in found ? found.text : found;
};
const contradiction = "ERR Invalid arguments specified for command";

test("counted keys are those that the client counts, never more than it sends", () => {
  expect(positions([counted], "zunion 2 a b weights 1 2")).toEqual([2, 3]);
  expect(positions([counted], "zunion 2 a")).toBe(contradiction);
  expect(positions([counted], "zunion 2000000000 a b")).toBe(contradiction);
  expect(positions([counted], "zunion 9223372036854775807 a b")).toBe(contradiction);
  expect(positions([counted], "zunion 0 a")).toBe(contradiction);
  expect(positions([counted], "zunion -1 a")).toBe(contradiction);
  expect(positions([counted], "zunion x a")).toBe(contradiction);
});

test("keys after a keyword: the half of what follows when the limit is 2", () => {
  expect(positions([afterKeyword], "xread count 2 streams a b 0 0")).toEqual([4, 5]);
  expect(positions([afterKeyword], "xread count 2")).toBe(contradiction);
  const fromEnd: KeySpec = {
    flags: ["RO", "incomplete"],
    begin: { keyword: "KEYS", from: -2 },
    find: { last: -1, step: 1, limit: 0 },
  };
  expect(positions([one(3), fromEnd], "migrate host port k 0 1000 keys a b")).toEqual([3, 7, 8]);
  expect(positions([one(3), fromEnd], "migrate host port k 0 1000")).toEqual([3]);
});

test("what is not a key does not count, and an unknown place is a contradiction", () => {
  expect(positions([one(1, "not_key")], "spublish channel message")).toEqual([]);
  expect(positions([unknown], "sort a")).toBe(contradiction);
});

test("COMMAND GETKEYS answers no keys where none are needed", () => {
  const command = declare({ keys: [counted], flags: ["no_mandatory_keys"] });
  expect(show(commandKeys(command, ["eval", "0"]))).toEqual([]);
  expect(show(commandKeys(declare({ keys: [counted] }), ["eval", "0"]))).toBe(`-${contradiction}`);
});

test("the legacy range joins neighbouring keys and marks the rest as movable", () => {
  const range = (...keys: KeySpec[]) => legacyRange(declare({ keys }));
  const movable = (...keys: KeySpec[]) => flagsOf(declare({ keys })).includes("movablekeys");
  expect(range()).toEqual({ first: 0, last: 0, step: 0 });
  expect(range(one(1), one(2))).toEqual({ first: 1, last: 2, step: 1 });
  expect(movable(one(1), one(2))).toBe(false);
  expect(range(one(1), one(3))).toEqual({ first: 1, last: 1, step: 1 });
  expect(movable(one(1), one(3))).toBe(true);
  expect(range(counted)).toEqual({ first: 0, last: 0, step: 0 });
  expect(movable(counted)).toBe(true);
  expect(movable(one(1, "RW", "incomplete"))).toBe(true);
  expect(range(one(1), unknown)).toEqual({ first: 1, last: 1, step: 1 });
});

test("categories follow from kind and flags, in the order of ACL CAT", () => {
  expect(categoriesOf(declare({ flags: ["fast"], categories: ["string"] }))).toEqual([
    "read",
    "string",
    "fast",
  ]);
  expect(categoriesOf(declare({ flags: ["admin", "blocking", "pubsub"] }))).toEqual([
    "read",
    "pubsub",
    "admin",
    "slow",
    "blocking",
    "dangerous",
  ]);
  expect(categoriesOf(declare({ categories: ["scripting"] }))).toEqual(["slow", "scripting"]);
});

test("an arity is exact or a minimum", () => {
  const fits = (arity: number) => [1, 2, 3].filter((count) => arityFits(declare({ arity }), count));
  expect(fits(2)).toEqual([2]);
  expect(fits(-2)).toEqual([2, 3]);
});

test("the table refuses declarations that contradict themselves", () => {
  const refused = (...list: Partial<ReadCommand>[]) => {
    expect(() => index(list.map(declare))).toThrow();
  };
  index([declare({})]);
  refused({}, {});
  refused({ name: "Upper" });
  refused({ arity: 0 });
  refused({ summary: "no sentence" });
  refused({ keys: [one(0)] });
  refused({ keys: [{ ...one(1), find: { last: 0, step: 0, limit: 0 } }] });
  refused({ arguments: [{ name: "key", type: "key", keySpec: 0 }] });
});
