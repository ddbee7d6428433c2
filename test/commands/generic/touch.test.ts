// TOUCH as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("TOUCH counts the keys that exist", () => {
  const session: Transcript = [
    ["set a 1", "+OK"],
    ["touch a a none", 2],
  ];
  expect(play(session)).toEqual(session);
});
