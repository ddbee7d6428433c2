// Judges small histories by trying every order: slow, obvious, and not made of the parts that it checks.

import { endOf, type Operation } from "../history.ts";
import { isPrefix } from "../observations.ts";
import type { Transaction } from "../transaction.ts";
import { execute } from "./plain-strings.ts";

interface Interval {
  readonly call: number;
  readonly ret: number | null;
  readonly kind: "ok" | "fail" | "info";
}

/**
 * Whether some order of `pending`, within real time, is accepted by `next` from beginning to end. What is
 * `info` may be left out.
 *
 * @param next the state after an operation, undefined when its reply is wrong
 */
function someOrder<Item extends Interval, State>(
  pending: readonly Item[],
  state: State,
  next: (state: State, item: Item) => State | undefined,
): boolean {
  if (pending.every(({ kind }) => kind === "info")) return true;
  return pending.some((item) => {
    if (pending.some((other) => other.ret !== null && other.ret < item.call)) return false;
    const after = next(state, item);
    const rest = pending.filter((other) => other !== item);
    return after !== undefined && someOrder(rest, after, next);
  });
}

/** All operations are about one key; none has a TTL. */
export function bruteForceLinearizable(history: readonly Operation[]): boolean {
  const effective = history.filter(({ kind }) => kind !== "fail");
  return someOrder(effective, { value: null as string | null }, ({ value }, operation) => {
    const executed = execute(value, operation);
    const fits = operation.kind === "info" || executed.reply === operation.res;
    return fits ? { value: executed.value } : undefined;
  });
}

type Lists = ReadonlyMap<string, readonly number[]>;

export function bruteForceStrictSerializable(history: readonly Transaction[]): boolean {
  const effective = history.filter(({ kind }) => kind !== "fail");
  return someOrder(effective, new Map() as Lists, (lists, { ops, kind }) => {
    const after = new Map(lists);
    for (const [name, key, what] of ops) {
      const list = after.get(key) ?? [];
      if (name === "append") after.set(key, [...list, what]);
      else if (kind === "ok" && what !== null && !isEqual(list, what)) return undefined;
    }
    return after;
  });
}

const isEqual = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && isPrefix(a, b);

/** Milliseconds; every time in the history is a whole one. */
interface Timed {
  readonly value: string | null;
  readonly expiry: number;
  readonly now: number;
}

/**
 * Whether instants of effect and of expiry exist that explain all replies of a history with TTLs. Bounds are
 * whole milliseconds and are only compared by differences, so whole instants are enough.
 */
export function bruteForceTimed(history: readonly Operation[], slackMs: number): boolean {
  const effective = history.filter(({ kind }) => kind !== "fail");
  const horizon = Math.max(...effective.map(({ call, ret }) => Math.max(call, ret ?? 0))) / 1e6;
  const failed = new Set<string>();
  const walk = (pending: readonly Operation[], state: Timed): boolean => {
    if (pending.every(({ kind }) => kind === "info")) return true;
    const text = JSON.stringify([pending.map(({ id }) => id), Object.values(state).map(String)]);
    if (failed.has(text)) return false;
    const leads = pending.some((operation) => {
      const rest = pending.filter((other) => other !== operation);
      const last = Math.min(horizon, endOf(operation) / 1e6);
      for (let now = Math.max(state.now, operation.call / 1e6); now <= last; now++) {
        const next = timedStep({ ...state, now }, operation, slackMs);
        if (next.some((after) => walk(rest, after))) return true;
      }
      return false;
    });
    if (!leads) failed.add(text);
    return leads;
  };
  return walk(effective, { value: null, expiry: Number.POSITIVE_INFINITY, now: 0 });
}

/** At the instant of the expiry itself the key may be found or not: clocks are not finer than that. */
function timedStep(state: Timed, operation: Operation, slackMs: number): Timed[] {
  const { expiry, now } = state;
  const never = Number.POSITIVE_INFINITY;
  const met: Timed[] = [];
  if (now <= expiry) met.push(state);
  if (now >= expiry) met.push({ value: null, expiry: never, now });
  return met.flatMap((found) => {
    const { reply, value: after } = execute(found.value, operation);
    if (operation.kind !== "info" && reply !== operation.res) return [];
    const isSet = operation.op === "set" && reply === "OK";
    const hasTtl = operation.args.includes("PX");
    if (!isSet) return [{ ...found, value: after, expiry: after === null ? never : found.expiry }];
    if (!hasTtl) return [{ value: after, expiry: never, now }];
    const ttl = Number(operation.args.at(-1));
    return Array.from({ length: 2 * slackMs + 1 }, (_, at) => ({
      value: after,
      expiry: now + ttl + at - slackMs,
      now,
    }));
  });
}
