// Histories that really happened are accepted; changed ones are judged as by trying every order.

import fc from "fast-check";
import { expect, test } from "vitest";
import { Dice } from "../support/state-random.ts";
import type { Operation } from "./history.ts";
import { checkLinearizability } from "./linearizability.ts";
import { registerModel } from "./register-model.ts";
import { bruteForceLinearizable, bruteForceTimed } from "./support/brute-force.ts";
import { execute } from "./support/plain-strings.ts";
import { registerHistory, someReply, timedHistory } from "./support/random-history.ts";

const verdictOf = (history: readonly Operation[], slackMs = 0) =>
  checkLinearizability(registerModel(slackMs), history).verdict;

/** One reply is replaced, and one outcome perhaps forgotten. */
const damage = fc.record({
  at: fc.nat(),
  res: someReply,
  forgets: fc.option(fc.nat(), { freq: 4 }),
});

function damaged(
  history: readonly Operation[],
  { at, res, forgets }: { at: number; res: Operation["res"]; forgets: number | null },
): Operation[] {
  return history.map((operation, index) => {
    if (forgets !== null && index === forgets % history.length) {
      return { ...operation, kind: "info", ret: null, res: null };
    }
    return index === at % history.length && operation.kind === "ok"
      ? { ...operation, res }
      : operation;
  });
}

test("what was executed in some order, inside its intervals, is linearizable", () => {
  const shape = { clients: 8, keys: 3, operations: 150, lossWeight: 2 };
  fc.assert(
    fc.property(registerHistory(shape), (history) => {
      expect(verdictOf(history)).toBe("linearizable");
    }),
    { seed: 1, numRuns: 300 },
  );
});

test("after a change the verdict is that of trying every order", () => {
  const shape = { clients: 4, keys: 1, operations: 7, lossWeight: 4 };
  const seen = { linearizable: 0, "not-linearizable": 0, unknown: 0 };
  fc.assert(
    fc.property(registerHistory(shape), damage, (whole, change) => {
      const history = damaged(whole, change);
      const verdict = verdictOf(history);
      seen[verdict]++;
      expect(verdict).toBe(bruteForceLinearizable(history) ? "linearizable" : "not-linearizable");
    }),
    { seed: 2, numRuns: 4000 },
  );
  expect(Math.min(seen.linearizable, seen["not-linearizable"])).toBeGreaterThan(500);
  expect(seen.unknown).toBe(0);
});

test("keys with a TTL that expire within the slack are linearizable", () => {
  const slackMs = 2;
  fc.assert(
    fc.property(timedHistory({ clients: 4, operations: 60, lossWeight: 2 }, slackMs), (history) => {
      expect(verdictOf(history, slackMs)).toBe("linearizable");
    }),
    { seed: 3, numRuns: 500 },
  );
});

test("with TTLs, too, the verdict is that of trying every order and every instant", () => {
  const slackMs = 1;
  const seen = { linearizable: 0, "not-linearizable": 0, unknown: 0 };
  const shape = { clients: 3, operations: 5, lossWeight: 3 };
  fc.assert(
    fc.property(timedHistory(shape, slackMs), damage, (whole, change) => {
      const history = damaged(whole, change);
      const verdict = verdictOf(history, slackMs);
      seen[verdict]++;
      expect(verdict).toBe(bruteForceTimed(history, slackMs) ? "linearizable" : "not-linearizable");
    }),
    { seed: 4, numRuns: 3000 },
  );
  expect(Math.min(seen.linearizable, seen["not-linearizable"])).toBeGreaterThan(500);
}, 30_000);

/** A store that is right: clients that are always busy, one operation in 500 without a reply. */
function longHistory(size: number, clients: number, keys: number): Operation[] {
  const dice = new Dice(7);
  const values = new Map<string, string | null>();
  const commands = ["get", "get", "set", "incrby", "append", "del", "getdel"];
  return Array.from({ length: size }, (_, id): Operation => {
    const key = `k${dice.below(keys)}`;
    const op = dice.pick(commands);
    const isShort = op === "get" || op === "del" || op === "getdel";
    const args = isShort ? [key] : [key, String(id % 10)];
    const { value, reply } = execute(values.get(key) ?? null, { op, args });
    const isLost = dice.below(500) === 0;
    if (!isLost || dice.below(2) === 0) values.set(key, value);
    // Effects are at 10 * id; an operation lasts until as many others as there are clients have had theirs.
    const call = 10 * (id + clients) - dice.below(10 * clients);
    const ret = 10 * (id + clients) + dice.below(10 * clients);
    const asked = { id, client: id % clients, node: 1, call, op, args };
    if (isLost) return { ...asked, ret: null, res: null, kind: "info" };
    if (reply === undefined) return { ...asked, ret, res: null, kind: "fail" };
    return { ...asked, ret, res: reply, kind: "ok" };
  });
}

test("20,000 operations of ten clients on ten keys take a few steps each", () => {
  const history = longHistory(20_000, 10, 10);
  const verdict = checkLinearizability(registerModel(0), history);
  expect(verdict.verdict).toBe("linearizable");
  expect(verdict.steps).toBeLessThan(10 * history.length);
});
