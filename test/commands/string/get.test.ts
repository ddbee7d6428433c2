// GET as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("GET answers null for a missing key", () => {
  const session: Transcript = [["get k", null]];
  expect(play(session)).toEqual(session);
});

test("GET gives back every byte", () => {
  const session: Transcript = [
    ['set k "\\u0000\\r\\n\\u00ff"', "+OK"],
    ["get k", "\u0000\r\n\u00ff"],
  ];
  expect(play(session)).toEqual(session);
});
