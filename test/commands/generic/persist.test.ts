// PERSIST as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("PERSIST answers whether there was an expiry", () => {
  const session: Transcript = [
    ["set k v ex 100", "+OK"],
    ["persist k", 1],
    ["persist k", 0],
    ["persist none", 0],
  ];
  expect(play(session)).toEqual(session);
});
