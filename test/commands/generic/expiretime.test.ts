// EXPIRETIME as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("EXPIRETIME answers Unix seconds, to the nearest", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["expiretime k", -1],
    ["pexpireat k 1700000100499", 1],
    ["expiretime k", 1700000100],
    ["pexpireat k 1700000100500", 1],
    ["expiretime k", 1700000101],
    ["expiretime none", -2],
  ];
  expect(play(session)).toEqual(session);
});
