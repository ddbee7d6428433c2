// STRLEN as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("STRLEN counts bytes", () => {
  const session: Transcript = [
    ['set k "\\u00e9\\u0000"', "+OK"],
    ["strlen k", 2],
    ["strlen none", 0],
  ];
  expect(play(session)).toEqual(session);
});
