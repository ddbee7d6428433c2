// RENAMENX as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("RENAMENX leaves an existing key alone", () => {
  const session: Transcript = [
    ["mset a 1 b 2", "+OK"],
    ["renamenx a b", 0],
    ["renamenx a a", 0],
    ["renamenx a c", 1],
    ["mget a b c", [null, "2", "1"]],
    ["renamenx a b", "-ERR no such key"],
  ];
  expect(play(session)).toEqual(session);
});
