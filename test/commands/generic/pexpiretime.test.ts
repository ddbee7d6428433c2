// PEXPIRETIME as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("PEXPIRETIME answers Unix milliseconds", () => {
  const session: Transcript = [
    ["set k v pxat 1700000000001", "+OK"],
    ["pexpiretime k", 1700000000001],
    ["pexpiretime none", -2],
  ];
  expect(play(session)).toEqual(session);
});
