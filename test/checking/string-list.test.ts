// Histories of APPEND, GET, MGET and MSET on lists in strings.

import { describe, expect, test } from "vitest";
import type { Json, Operation, Outcome } from "./history.ts";
import { checkStringLists } from "./string-list.ts";

type Command = readonly [words: string, reply: Json];

/** One operation per row, one after the other unless times are given. */
function history(
  ...rows: readonly {
    commands: readonly Command[];
    at?: [number, number];
    kind?: Outcome;
  }[]
): Operation[] {
  return rows.map(({ commands, at, kind = "ok" }, index): Operation => {
    const [call, ret] = at ?? [100 * index, 100 * index + 50];
    const split = commands.map(([words]) => words.split(" "));
    const [[op = "", ...args] = []] = split;
    const replies = commands.map(([, reply]) => reply);
    const isTransaction = commands.length > 1;
    return {
      id: index + 1,
      client: index % 3,
      node: 1,
      call,
      ret: kind === "info" ? null : ret,
      op: isTransaction ? "txn" : op,
      args: isTransaction ? split : args,
      res: kind === "ok" ? (isTransaction ? replies : (replies[0] ?? null)) : null,
      kind,
    };
  });
}

const one = (words: string, reply: Json = null) => ({ commands: [[words, reply]] as const });
const names = (operations: readonly Operation[]) =>
  checkStringLists(operations).map(({ name }) => name);

describe("a good history", () => {
  const good: readonly [string, Operation[]][] = [
    [
      "APPEND and GET, a missing key being the empty list",
      history(
        one("get x", null),
        one("append x ,1", 2),
        one("append x ,17", 5),
        one("get x", ",1,17"),
      ),
    ],
    [
      "MGET after MSET, and appends after both",
      history(
        one("mset x ,1 y ,2", "OK"),
        one("mget x y z", [",1", ",2", null]),
        one("append x ,3", 4),
        one("mget y x", [",2", ",1,3"]),
      ),
    ],
    [
      "a transaction with its replies",
      history(one("append x ,1", 2), {
        commands: [
          ["append x ,2", 4],
          ["get x", ",1,2"],
          ["append y ,3", 2],
          ["mget x y", [",1,2", ",3"]],
        ],
      }),
    ],
    [
      "an unknown APPEND that took effect, and a failed one that did not",
      history(
        { ...one("append x ,1"), kind: "info" },
        { ...one("append x ,2"), kind: "fail" },
        one("append x ,3", 4),
        one("get x", ",1,3"),
      ),
    ],
  ];
  for (const [title, operations] of good) {
    test(title, () => expect(checkStringLists(operations)).toEqual([]));
  }
});

describe("a bad history", () => {
  const bad: readonly [string, string, Operation[]][] = [
    [
      "a lost APPEND",
      "lost-append",
      history(one("append x ,1", 2), one("append x ,2", 4), one("get x", ",1")),
    ],
    [
      "an APPEND that was executed twice",
      "duplicate-append",
      history(one("append x ,1", 2), one("get x", ",1,1")),
    ],
    [
      "an APPEND that was executed twice by its reply, and once by what is read",
      "wrong-length",
      history(one("append x ,1", 4), one("get x", ",1")),
    ],
    [
      "two APPENDs that replied one length",
      "wrong-length",
      history(one("append x ,1", 2), one("append x ,2", 2), one("get x", ",1,2")),
    ],
    [
      "a failed APPEND that is seen",
      "aborted-read",
      history({ ...one("append x ,1"), kind: "fail" }, one("get x", ",1")),
    ],
    [
      "a string that is cut inside a value",
      "garbage-read",
      history(one("append x ,17", 3), one("get x", ",")),
    ],
    [
      "an MSET of which MGET sees one half",
      "G-single",
      history(
        { ...one("mset x ,1 y ,2", "OK"), at: [0, 90] },
        { ...one("mget x y", [",1", null]), at: [10, 20] },
        one("mget x y", [",1", ",2"]),
      ),
    ],
    [
      "MULTI/EXEC that another client gets between",
      "G0",
      history(
        {
          commands: [
            ["append x ,1", 2],
            ["append y ,2", 2],
          ],
          at: [0, 90],
        },
        {
          commands: [
            ["append x ,3", 4],
            ["append y ,4", 2],
          ],
          at: [0, 90],
        },
        one("mget x y", [",1,3", ",4,2"]),
      ),
    ],
    [
      "a stale GET",
      "G-single-realtime",
      history(
        one("append x ,1", 2),
        one("append x ,2", 4),
        one("get x", ",1"),
        one("get x", ",1,2"),
      ),
    ],
  ];
  for (const [title, name, operations] of bad) {
    test(title, () => expect(names(operations)).toContain(name));
  }
});

describe("a history that cannot be judged is refused", () => {
  const unfit: readonly [string, Operation[], string][] = [
    [
      "another command",
      history(one("lpush x 1", 1)),
      "operation 1: no history of lists in strings",
    ],
    ["another form of value", history(one("append x 17", 2)), "operation 1: no history"],
    ["a half pair", history(one("mset x ,1 y", "OK")), "operation 1: no history"],
    ["fewer replies than keys", history(one("mget x y", [null])), "operation 1: no history"],
    [
      "two MSETs of one key",
      history(one("mset x ,1", "OK"), one("mset x ,2", "OK")),
      "x is created by 1 and 2: MSET may only create",
    ],
    [
      "an APPEND that MSET may replace",
      history(
        { ...one("mset x ,1", "OK"), at: [0, 90] },
        { ...one("append x ,2", 2), at: [50, 95] },
      ),
      "x is appended to by 2 before 1 has created it: MSET may only create",
    ],
    [
      "an APPEND after an MSET whose outcome is unknown",
      history({ ...one("mset x ,1"), kind: "info" }, one("append x ,2", 2)),
      "x is appended to by 2 before 1 has created it: MSET may only create",
    ],
  ];
  for (const [title, operations, message] of unfit) {
    test(title, () => expect(() => checkStringLists(operations)).toThrow(message));
  }
});
