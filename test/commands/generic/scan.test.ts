// SCAN as a client types it.

import { expect, test } from "vitest";
import { CommandSession, play, type Transcript } from "../../support/command-session.ts";

function filled(count: number): CommandSession {
  const session = new CommandSession();
  for (let at = 0; at < count; at += 1) session.reply("SET", `key:${at}`, String(at));
  return session;
}

/** Walks until the cursor is 0 again; `between` runs after each step. */
function walk(session: CommandSession, options: string[], between = (_step: number) => {}) {
  const found: string[] = [];
  let cursor = "0";
  let steps = 0;
  do {
    const [next, keys] = session.reply("SCAN", cursor, ...options) as [string, string[]];
    cursor = next;
    found.push(...keys);
    between(steps++);
  } while (cursor !== "0");
  return { found, steps };
}

test("SCAN meets every key once when nothing changes", () => {
  const { found, steps } = walk(filled(1000), ["COUNT", "50"]);
  expect(found).toHaveLength(1000);
  expect(new Set(found).size).toBe(1000);
  expect(steps).toBeGreaterThanOrEqual(20);
});

test("SCAN never misses a key that stays, whatever else is removed on the way", () => {
  const session = filled(500);
  const { found } = walk(session, ["COUNT", "10"], (step) => {
    session.reply("DEL", `key:${2 * step + 1}`, `key:${499 - 2 * step}`);
    session.reply("SET", `new:${step}`, "");
  });
  const stayed = Array.from({ length: 250 }, (_, at) => `key:${2 * at}`);
  expect(stayed.filter((key) => !found.includes(key))).toEqual([]);
});

test("SCAN filters by pattern and type, and goes on when a step finds nothing", () => {
  const session = filled(300);
  expect(walk(session, ["MATCH", "key:29?", "COUNT", "7"]).found.sort()).toEqual(
    Array.from({ length: 10 }, (_, at) => `key:29${at}`),
  );
  expect(walk(session, ["TYPE", "String"]).found).toHaveLength(300);
  expect(walk(session, ["TYPE", "list"]).found).toEqual([]);
});

test("SCAN ends at once for a cursor beyond every position", () => {
  const session = filled(10);
  for (const cursor of ["18446744073709551615", "9007199254740993", "-1"]) {
    expect(session.reply("SCAN", cursor)).toEqual(["0", []]);
  }
});

test("SCAN refuses bad cursors, counts and options", () => {
  const session: Transcript = [
    ["scan x", "-ERR invalid cursor"],
    ["scan 18446744073709551616", "-ERR invalid cursor"],
    ["scan 0 count 0", "-ERR syntax error"],
    ["scan 0 count x", "-ERR value is not an integer or out of range"],
    ["scan 0 match", "-ERR syntax error"],
    ["scan 0 nosuch x", "-ERR syntax error"],
  ];
  expect(play(session)).toEqual(session);
});
