// The command line, as somebody types it.

import { describe, expect, test } from "vitest";
import { catalogue } from "./faults/catalogue.ts";
import { readOptions } from "./options.ts";

const faultsOf = (...args: string[]) => readOptions(args).faults.map(({ name }) => name);

describe("the command line", () => {
  test("takes faults by name and by family, in the order of the catalogue", () => {
    expect(faultsOf("--faults", "pause-leader,kill")).toEqual([
      "kill-follower",
      "kill-leader",
      "kill-majority",
      "kill-all",
      "pause-leader",
    ]);
    expect(faultsOf()).toEqual(catalogue.map(({ name }) => name));
  });

  test.each([
    [["--faults", "kill,flood"], /no fault flood/],
    [["--faults", ","], /no fault/],
    [["--minutes", "soon"], /--minutes is a number/],
    [["--nodes", "4"], /--nodes is 3 or 5/],
    [["--measure", "speed"], /--measure knows failover/],
    [["--speed", "1"], /Unknown option/],
  ])("refuses %j", (args, words) => {
    expect(() => readOptions(args)).toThrow(words);
  });
});

describe("the catalogue", () => {
  test("has names of its own, none of them a family", () => {
    const names = catalogue.map(({ name }) => name);
    expect(new Set([...names, ...catalogue.map(({ family }) => family)]).size).toBe(
      names.length + new Set(catalogue.map(({ family }) => family)).size,
    );
  });
});
