// Histories as NDJSON: what is written is read again, and what is no record is refused with its line.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inWords, type Operation, readHistory, writeHistory, writeOperation } from "./history.ts";
import { registerHistory } from "./support/random-history.ts";

const get: Operation = {
  id: 1,
  client: 2,
  node: 3,
  call: 1_000_000,
  ret: 2_500_000,
  op: "get",
  args: ["x"],
  res: "\u0000\n\xff",
  kind: "ok",
};

test("one record is one line, its fields in a fixed order", () => {
  expect(writeOperation(get)).toBe(
    '{"id":1,"client":2,"node":3,"call":1000000,"ret":2500000,"op":"get","args":["x"],"res":"\\u0000\\nÿ","kind":"ok"}\n',
  );
});

test("what is written is read again", () => {
  const shape = { clients: 5, keys: 3, operations: 30, lossWeight: 10 };
  fc.assert(
    fc.property(registerHistory(shape), (history) => {
      expect(readHistory(writeHistory(history))).toEqual(history);
    }),
    { seed: 1, numRuns: 100 },
  );
  const nested: Operation = { ...get, op: "txn", args: [["get", "x"]], res: [["a", null, 1]] };
  expect(readHistory(writeHistory([nested]))).toEqual([nested]);
  expect(readHistory("")).toEqual([]);
});

describe("a text that is no history", () => {
  const change = (fields: Record<string, unknown>): string =>
    `${writeOperation(get)}${JSON.stringify({ ...get, id: 2, ...fields })}\n`;
  const bad: readonly [string, string, string][] = [
    ["no JSON", `${writeOperation(get)}{"id":\n`, "line 2: no JSON"],
    ["an empty line", `${writeOperation(get)}\n`, "line 2: no JSON"],
    ["no object", "[]\n", "line 1: no JSON object"],
    [
      "a last line that is cut off",
      writeOperation(get).trim(),
      "line 1: cut off before its newline",
    ],
    ["an id twice", change({ id: 1 }), "line 2: id 1 stands on line 1 too"],
    ["a field that is missing", change({ op: undefined }), "line 2: op is missing"],
    ["a misspelt field", change({ retry: 1 }), "line 2: unknown field retry"],
    ["another outcome", change({ kind: "maybe" }), "line 2: kind is not ok, fail or info"],
    ["time in fractions", change({ call: 0.5 }), "line 2: call is not nanoseconds"],
    ["time beyond 2^53", change({ ret: 2 ** 53 }), "line 2: ret is not nanoseconds"],
    ["a return before the call", change({ ret: 1 }), "line 2: ret is before call"],
    ["ok without a return", change({ ret: null }), "line 2: ok has no return"],
    ["fail without a return", change({ ret: null, kind: "fail" }), "line 2: fail has no return"],
    ["info with a return", change({ kind: "info" }), "line 2: info has a return"],
    ["a command in capitals", change({ op: "GET" }), "line 2: op is not a name in lower case"],
    ["words that are no list", change({ args: "x" }), "line 2: args is not a list of words"],
    ["a reply that is an object", change({ res: {} }), "line 2: res is not a reply"],
    ["a client that is no number", change({ client: "a" }), "line 2: client is not a whole number"],
    ["a node below 0", change({ node: -1 }), "line 2: node is not a whole number"],
  ];
  for (const [title, text, message] of bad) {
    test(title, () => expect(() => readHistory(text)).toThrow(message));
  }
});

test("an operation in words", () => {
  expect(inWords({ ...get, res: 7 })).toBe('#1 client 2: get "x" -> 7 [1.000 .. 2.500 ms]');
  expect(inWords({ ...get, kind: "info", ret: null })).toBe(
    '#1 client 2: get "x" -> info [1.000 .. never ms]',
  );
});
