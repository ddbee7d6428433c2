// What the checkers rely on: unique values, lists that MSET only creates, many operations per key but not too many.

import { describe, expect, test } from "vitest";
import { Random } from "../../differential/random.ts";
import type { Answer } from "./recorder.ts";
import { familyOf, Workload } from "./workload.ts";

const ok: Answer = { type: "reply", value: "OK" };
const lost: Answer = { type: "lost", why: "closed" };

/** Requests of a client whose every answer is chosen by `answer`. */
function requests(count: number, answer: (at: number) => Answer): (readonly string[])[] {
  const workload = new Workload(new Random(7));
  return Array.from({ length: count }, (_, at) => {
    const words = workload.next(at % 3);
    workload.learn(words, answer(at));
    return words;
  });
}

const all = requests(20_000, () => ok);
const named = (name: string) => all.filter((words) => words[0] === name);

describe("the workload", () => {
  test("writes every value once", () => {
    const values = [
      ...named("SET").map((words) => words[2]),
      ...named("APPEND").map((words) => words[2]),
      ...named("MSET").flatMap((words) => [words[2], words[4]]),
    ];
    expect(new Set(values).size).toBe(values.length);
  });

  test("asks all that its checkers know", () => {
    const names = new Set(all.map(([name]) => name));
    expect([...names].sort()).toEqual(
      ["APPEND", "DEL", "GET", "GETDEL", "INCR", "INCRBY", "MGET", "MSET", "SET"].sort(),
    );
    const families = new Set(all.map(([, ...args]) => familyOf(args)));
    expect([...families].sort()).toEqual(["counter", "list", "register"]);
  });

  test("asks a few hundred times for each key of a register, then for the next", () => {
    const counts = new Map<string, number>();
    for (const [, key = ""] of all.filter(([, ...args]) => familyOf(args) === "register")) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(Math.max(...counts.values())).toBeLessThanOrEqual(250);
    expect(counts.size).toBeLessThan(all.length / 100);
  });

  test.each([
    ["acknowledged", () => ok],
    ["acknowledged or lost", (at: number) => (at % 2 === 0 ? ok : lost)],
  ])("appends to lists only after their creation was acknowledged: all %s", (_, answer) => {
    const created = new Set<string>();
    const workload = new Workload(new Random(3));
    for (let at = 0; at < 20_000; at++) {
      const words = workload.next(0);
      const [name, first = "", , second = ""] = words;
      const reply = answer(at);
      if (name === "APPEND" && first.startsWith("list:")) expect(created).toContain(first);
      if (name === "MSET") {
        expect(created).not.toContain(first);
        if (reply === ok) created.add(first).add(second);
      }
      workload.learn(words, reply);
    }
    expect(created.size).toBeGreaterThan(10);
  });
});
