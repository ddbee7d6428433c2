// SETRANGE as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("SETRANGE overwrites a part", () => {
  const session: Transcript = [
    ['set k "Hello World"', "+OK"],
    ["setrange k 6 Redis", 11],
    ["get k", "Hello Redis"],
  ];
  expect(play(session)).toEqual(session);
});

test("SETRANGE fills a gap with zero bytes", () => {
  const session: Transcript = [
    ["setrange k 3 x", 4],
    ["get k", "\u0000\u0000\u0000x"],
  ];
  expect(play(session)).toEqual(session);
});

test("SETRANGE with nothing to write makes no key", () => {
  const session: Transcript = [
    ['setrange k 5 ""', 0],
    ["exists k", 0],
  ];
  expect(play(session)).toEqual(session);
});

test("SETRANGE makes no string that is too long", () => {
  const session: Transcript = [
    ["setrange k 67108864 x", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"],
    ["setrange k -1 x", "-ERR offset is out of range"],
  ];
  expect(play(session)).toEqual(session);
});
