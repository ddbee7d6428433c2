// APPEND as a client types it.

import { expect, test } from "vitest";
import { CommandSession, play, type Transcript } from "../../support/command-session.ts";

test("APPEND makes a key, then grows it", () => {
  const session: Transcript = [
    ["append log ab", 2],
    ["append log cd", 4],
    ["get log", "abcd"],
  ];
  expect(play(session)).toEqual(session);
});

test("APPEND keeps the expiry", () => {
  const session: Transcript = [
    ["set k a ex 100", "+OK"],
    ["append k b", 2],
    ["ttl k", 100],
  ];
  expect(play(session)).toEqual(session);
});

test("APPEND of many small pieces loses no byte", () => {
  const session = new CommandSession();
  const pieces = Array.from({ length: 20_000 }, (_, at) =>
    String.fromCharCode(at % 256).repeat(at % 7),
  );
  let expected = "";
  for (const piece of pieces) {
    expected += piece;
    expect(session.reply("APPEND", "log", piece)).toBe(expected.length);
  }
  expect(session.reply("GET", "log")).toBe(expected);
});
