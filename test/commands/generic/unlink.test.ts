// UNLINK as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("UNLINK counts the keys that existed", () => {
  const session: Transcript = [
    ["mset a 1 b 2", "+OK"],
    ["unlink a none b a", 2],
    ["exists a b", 0],
  ];
  expect(play(session)).toEqual(session);
});
