// EXISTS as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("EXISTS counts a key as often as it is named", () => {
  const session: Transcript = [
    ["set a 1", "+OK"],
    ["exists a a none", 2],
  ];
  expect(play(session)).toEqual(session);
});
