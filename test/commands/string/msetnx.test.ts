// MSETNX as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("MSETNX writes all keys or none", () => {
  const session: Transcript = [
    ["msetnx a 1 b 2", 1],
    ["msetnx b 3 c 4", 0],
    ["mget a b c", ["1", "2", null]],
  ];
  expect(play(session)).toEqual(session);
});
