// Commands that come in steps: they do pause, and they answer as if they had not.

import { describe, expect, it } from "vitest";
import type { Reply } from "../../src/resp/reply.ts";
import { finish, isSliced, type SlicedReply } from "../../src/state/commands/sliced.ts";
import { commonSubsequence } from "../../src/state/commands/string/common-subsequence.ts";
import { commands } from "../../src/state/commands/table.ts";
import { SeededRandom } from "../../src/state/random.ts";
import { CommandSession, show } from "../support/command-session.ts";

const keyCount = 5_000;
const keys = Array.from({ length: keyCount }, (_, at) => `key:${at}`);
const moment = { nowMs: 0, random: () => 0 };

function filled(): CommandSession {
  const session = new CommandSession();
  session.reply("MSET", ...keys.flatMap((key) => [key, `value of ${key}`]));
  return session;
}

function read(session: CommandSession, ...words: readonly string[]): Reply | SlicedReply {
  const command = commands.get((words[0] ?? "").toLowerCase());
  if (command?.kind !== "read") throw new Error(`${words[0]} is no read`);
  return command.read(session.database, words, moment);
}

function write(session: CommandSession, ...words: readonly string[]): Reply | SlicedReply {
  const command = commands.get((words[0] ?? "").toLowerCase());
  if (command?.kind !== "write") throw new Error(`${words[0]} is no write`);
  return command.apply(session.database, words, moment);
}

/** The reply, and how often it could have been paused. */
function stepped(answer: Reply | SlicedReply): { reply: unknown; pauses: number } {
  if (!isSliced(answer)) return { reply: show(answer), pauses: 0 };
  for (let pauses = 0; ; pauses++) {
    const step = answer.next();
    if (step.done === true) return { reply: show(step.value), pauses };
  }
}

describe("many keys", () => {
  const session = filled();
  const some = [...keys.slice(0, 2_500), "none", ...keys.slice(2_500)];

  it.each(["EXISTS", "TOUCH"])("%s counts each of them once", (name) => {
    const { reply, pauses } = stepped(read(session, name, ...some));
    expect([reply, pauses > 3]).toEqual([keyCount, true]);
  });

  it("MGET answers each in its place", () => {
    const { reply, pauses } = stepped(read(session, "MGET", ...some));
    const expected = some.map((key) => (key === "none" ? null : `value of ${key}`));
    expect([reply, pauses > 3]).toEqual([expected, true]);
  });

  it("KEYS finds all of them, and those of a pattern", () => {
    const all = stepped(read(session, "KEYS", "*"));
    expect([(all.reply as string[]).toSorted(), all.pauses > 3]).toEqual([keys.toSorted(), true]);
    const { reply } = stepped(read(session, "KEYS", "key:1?"));
    expect((reply as string[]).toSorted()).toEqual(keys.slice(10, 20));
  });

  it("KEYS and SCAN pause sooner when each key takes longer to match", () => {
    const pattern = `[${"x".repeat(10_000)}]*`;
    for (const words of [
      ["KEYS", pattern],
      ["SCAN", "0", "COUNT", String(keyCount), "MATCH", pattern],
    ]) {
      expect(stepped(read(session, ...words)).pauses).toBeGreaterThan(keyCount / 100);
    }
  });

  it.each([100, 1_000, 4_999, keyCount])("SCAN COUNT %d walks as in single steps", (count) => {
    const single: string[] = [];
    let cursor = "0";
    for (let at = 0; at < count; at++) {
      const { reply } = stepped(read(session, "SCAN", cursor, "COUNT", "1"));
      const [next, found] = reply as [string, string[]];
      single.push(...found);
      cursor = next;
    }
    const { reply } = stepped(read(session, "SCAN", "0", "COUNT", String(count)));
    expect(reply).toEqual([cursor, single]);
  });
});

describe("writes of many keys", () => {
  const some = [...keys.slice(0, 2_500), "none", ...keys.slice(2_500)];
  const pairs = (value: string) => some.flatMap((key) => [key, value]);

  it.each(["DEL", "UNLINK"])("%s removes each of them once", (name) => {
    const session = filled();
    session.reply("SET", "stays", "v");
    const { reply, pauses } = stepped(write(session, name, ...some, "key:1"));
    expect([reply, pauses > 3]).toEqual([keyCount, true]);
    expect([session.run("DBSIZE"), session.run("EXISTS stays")]).toEqual([1, 1]);
  });

  it("MSET writes every pair", () => {
    const session = filled();
    const { reply, pauses } = stepped(write(session, "MSET", ...pairs("new")));
    expect([reply, pauses > 3]).toEqual(["+OK", true]);
    const { reply: values } = stepped(read(session, "MGET", ...some));
    expect(values).toEqual(some.map(() => "new"));
  });

  it("MSETNX writes every pair, or none when the last key is there", () => {
    const session = new CommandSession();
    session.reply("SET", some.at(-1) ?? "", "old");
    const refused = stepped(write(session, "MSETNX", ...pairs("new")));
    expect([refused.reply, refused.pauses > 3, session.run("DBSIZE")]).toEqual([0, true, 1]);
    session.reply("DEL", some.at(-1) ?? "");
    const { reply, pauses } = stepped(write(session, "MSETNX", ...pairs("new")));
    expect([reply, pauses > 3, session.run("DBSIZE")]).toEqual([1, true, some.length]);
  });
});

it("few keys are answered at once", () => {
  const session = filled();
  for (const words of [
    ["EXISTS", "key:1"],
    ["MGET", "key:1", "none"],
    ["SCAN", "0"],
  ]) {
    expect(isSliced(read(session, ...words))).toBe(false);
  }
  for (const words of [
    ["DEL", "key:1"],
    ["MSET", "a", "1"],
    ["MSETNX", "b", "1"],
  ]) {
    expect(isSliced(write(session, ...words))).toBe(false);
  }
});

it("LCS of long strings pauses in the middle of a row, and its length is the one of the definition", () => {
  const random = new SeededRandom();
  random.seed(7, 1);
  const letters = (length: number) =>
    Array.from({ length }, () => "abcd"[Math.floor(random.next() * 4)]).join("");
  const [a, b] = [letters(300), letters(1_111)];
  // Row by row over the definition, without the table's bits.
  let above = new Array<number>(b.length + 1).fill(0);
  for (const char of a) {
    const row = [0];
    for (let j = 1; j <= b.length; j++) {
      const isSame = b[j - 1] === char;
      const [left = 0, up = 0, corner = 0] = [row[j - 1], above[j], above[j - 1]];
      row.push(isSame ? corner + 1 : Math.max(left, up));
    }
    above = row;
  }
  expect(finish(commonSubsequence(a, b)).length).toBe(above[b.length]);
  // What a row has reached so far is carried over a pause.
  expect(finish(commonSubsequence("x", `x${"y".repeat(70_000)}`)).length).toBe(1);
  expect([...commonSubsequence(a, b)].length).toBe(Math.floor((a.length * b.length) / 65_536));
});
