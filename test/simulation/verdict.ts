// The end of a run: is what the clients were told possible, and did everything happen exactly once?

import type { Entry } from "../../src/raft/core/types.ts";
import type { Operation } from "../checking/history.ts";
import { checkLinearizability } from "../checking/linearizability.ts";
import { registerModel } from "../checking/register-model.ts";
import type { Plan } from "./plan.ts";
import { counters, isFiller } from "./workload.ts";
import { ensure } from "./world.ts";

/** A good history of this size needs a few thousand. */
const searchMax = 30_000;

/** True when the search for an order was given up. Throws a Violation. */
export function checkHistory(
  plan: Plan,
  all: readonly Operation[],
  entries: readonly Entry[],
): boolean {
  const history = all.filter(({ args }) => !isFiller(args[0]));
  for (const counter of counters) checkCounter(history, counter);
  checkRefused(history, entries);
  const verdict = checkLinearizability(registerModel(slackMs(plan, history)), history, searchMax);
  ensure(verdict.verdict !== "not-linearizable", "linearizability", () => {
    return verdict.verdict === "not-linearizable" ? verdict.explanation : "";
  });
  return verdict.verdict === "unknown";
}

/** Exactly once: what is acknowledged counts once, what is unknown at most once. */
function checkCounter(history: readonly Operation[], key: string): void {
  const ours = history.filter(({ args }) => args[0] === key);
  const increments = ours.filter(({ op }) => op === "incrby");
  const known = increments.filter(({ kind }) => kind === "ok").length;
  const unknown = increments.filter(({ kind }) => kind === "info").length;
  const last = ours.filter(({ op, kind }) => op === "get" && kind === "ok").at(-1);
  const value = Number(last?.res ?? 0);
  ensure(value >= known && value <= known + unknown, "exactly once", () => {
    return `${key} is ${value}: ${known} increments were acknowledged, ${unknown} are unknown`;
  });
}

/** A definite error means that it was never executed: it is in no committed entry. */
function checkRefused(history: readonly Operation[], entries: readonly Entry[]): void {
  for (const { kind, args } of history) {
    const value = args[1];
    if (kind !== "fail" || typeof value !== "string" || !value.includes("v")) continue;
    const bytes = `\r\n${value}\r\n`;
    const entry = entries.find(({ data }) => Buffer.from(data).includes(bytes, 0, "latin1"));
    ensure(entry === undefined, "9 acknowledged", () => {
      return `${value} was refused and is committed as entry ${entry?.index}`;
    });
  }
}

/** How far an expiry may be from the clients' clock: log time follows any leader's, and may stand still. */
function slackMs(plan: Plan, history: readonly Operation[]): number {
  const isTimed = history.some(({ args }) => args.includes("PX"));
  return isTimed ? 2 * clockSpreadMs + plan.safetyUs / 1_000 : 0;
}

/** Skew, drift, and every jump there can be in one run. */
const clockSpreadMs = 300_000;
