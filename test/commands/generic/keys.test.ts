// KEYS as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("KEYS finds names by a glob pattern", () => {
  const session: Transcript = [
    ["mset one 1 two 2 three 3", "+OK"],
    ["keys o*", ["one"]],
    ["keys t?o", ["two"]],
    ["keys nothing", []],
  ];
  expect(play(session)).toEqual(session);
});
