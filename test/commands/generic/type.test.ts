// TYPE as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("TYPE answers the type or none", () => {
  const session: Transcript = [
    ["set k v", "+OK"],
    ["type k", "+string"],
    ["type none", "+none"],
  ];
  expect(play(session)).toEqual(session);
});
