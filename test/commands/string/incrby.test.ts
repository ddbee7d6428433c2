// INCRBY as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("INCRBY adds, and keeps the expiry", () => {
  const session: Transcript = [
    ["set n 5 ex 100", "+OK"],
    ["incrby n 10", 15],
    ["ttl n", 100],
  ];
  expect(play(session)).toEqual(session);
});

test("INCRBY looks at its increment first", () => {
  const session: Transcript = [
    ["set s word", "+OK"],
    ["incrby s x", "-ERR value is not an integer or out of range"],
  ];
  expect(play(session)).toEqual(session);
});
