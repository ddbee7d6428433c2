// SETNX as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("SETNX leaves an existing key alone", () => {
  const session: Transcript = [
    ["setnx k a", 1],
    ["setnx k b", 0],
    ["get k", "a"],
  ];
  expect(play(session)).toEqual(session);
});
