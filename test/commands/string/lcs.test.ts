// LCS as a client types it.

import { expect, test } from "vitest";
import { play, type Transcript } from "../../support/command-session.ts";

test("LCS answers the text, its length, or where it stands", () => {
  const session: Transcript = [
    ["mset a ohmytext b mynewtext", "+OK"],
    ["lcs a b", "mytext"],
    ["lcs a b len", 6],
    [
      "lcs a b idx",
      [
        [
          "matches",
          [
            [
              [4, 7],
              [5, 8],
            ],
            [
              [2, 3],
              [0, 1],
            ],
          ],
        ],
        ["len", 6],
      ],
    ],
    [
      "lcs a b idx minmatchlen 4 withmatchlen",
      [
        ["matches", [[[4, 7], [5, 8], 4]]],
        ["len", 6],
      ],
    ],
  ];
  expect(play(session)).toEqual(session);
});

test("LCS of a missing key is empty", () => {
  const session: Transcript = [
    ["set a text", "+OK"],
    ["lcs a b", ""],
    [
      "lcs a b idx",
      [
        ["matches", []],
        ["len", 0],
      ],
    ],
  ];
  expect(play(session)).toEqual(session);
});

test("LCS refuses a table larger than a longest string", () => {
  const session: Transcript = [
    ["setrange a 4999 x", 5000],
    ["lcs a a", "-ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"],
    ["setrange b 3000 x", 3001],
    ["lcs a b len", 3001],
  ];
  expect(play(session)).toEqual(session);
});

test("LCS with an empty string has nothing in common, in every form", () => {
  const session: Transcript = [
    ["set long abcabc", "+OK"],
    ['set empty ""', "+OK"],
    ["lcs long empty", ""],
    ["lcs empty long len", 0],
    [
      "lcs long none idx",
      [
        ["matches", []],
        ["len", 0],
      ],
    ],
    ["lcs long none nosuch", "-ERR syntax error"],
  ];
  expect(play(session)).toEqual(session);
});
