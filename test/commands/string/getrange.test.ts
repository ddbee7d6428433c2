// GETRANGE as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("GETRANGE counts from both ends", () => {
  const session: Transcript = [
    ['set k "This is a string"', "+OK"],
    ["getrange k 0 3", "This"],
    ["getrange k -3 -1", "ing"],
    ["getrange k 10 100", "string"],
    ["getrange k 5 2", ""],
  ];
  expect(play(session)).toEqual(session);
});

test("GETRANGE of a missing key is empty", () => {
  const session: Transcript = [["getrange k 0 -1", ""]];
  expect(play(session)).toEqual(session);
});
