// Histories that really happened: random commands, executed one at a time, at instants inside random intervals.

import fc from "fast-check";
import type { Json, Operation, Outcome } from "../history.ts";
import type { MicroOp, Transaction } from "../transaction.ts";
import { execute } from "./plain-strings.ts";

/** When a client asks, counted from its last operation, and how long each part takes. */
interface Slot {
  readonly client: number;
  readonly gap: number;
  readonly before: number;
  readonly after: number;
  readonly outcome: "ok" | "fail" | "lost-reply" | "lost-request";
}

interface Scheduled<Item> {
  readonly item: Item;
  readonly call: number;
  readonly effect: number;
  readonly ret: number;
}

const slot = (clients: number, lossWeight: number) => ({
  client: fc.integer({ min: 1, max: clients }),
  gap: fc.integer({ min: 0, max: 3 }),
  before: fc.integer({ min: 0, max: 4 }),
  after: fc.integer({ min: 0, max: 4 }),
  outcome: fc.oneof(
    { arbitrary: fc.constant("ok" as const), weight: 20 },
    { arbitrary: fc.constantFrom("fail", "lost-reply", "lost-request"), weight: lossWeight },
  ) as fc.Arbitrary<Slot["outcome"]>,
});

/** Instants of the clients' clock, in the order of effect. */
function schedule<Item extends Slot>(items: readonly Item[]): Scheduled<Item>[] {
  const clocks = new Map<number, number>();
  const scheduled = items.map((item) => {
    const call = (clocks.get(item.client) ?? 0) + item.gap;
    const effect = call + item.before;
    const ret = effect + item.after;
    clocks.set(item.client, ret + 1);
    return { item, call, effect, ret };
  });
  return scheduled.toSorted((a, b) => a.effect - b.effect);
}

const kinds = { ok: "ok", fail: "fail", "lost-reply": "info", "lost-request": "info" } as const;
const takesEffect = ({ outcome }: Slot): boolean => outcome === "ok" || outcome === "lost-reply";

const intervalOf = ({ item, call, ret }: Scheduled<Slot>, id: number) => {
  const kind: Outcome = kinds[item.outcome];
  const end = kind === "info" ? null : ret * 1e6;
  return { id, client: item.client, call: call * 1e6, ret: end, kind };
};

/** An error is a definite one: the command changed nothing. */
function operationOf(
  each: Scheduled<Slot & { command: Command }>,
  id: number,
  reply: Json | undefined,
): Operation {
  const interval = intervalOf(each, id);
  const operation = { ...interval, ...each.item.command, node: 1 };
  if (interval.kind !== "ok") return { ...operation, res: null };
  return reply === undefined
    ? { ...operation, res: null, kind: "fail" }
    : { ...operation, res: reply };
}

interface Command {
  readonly op: string;
  readonly args: string[];
}

export interface Shape {
  readonly clients: number;
  readonly keys: number;
  readonly operations: number;
  /** Of 20 + this many operations, this many have no `ok`. */
  readonly lossWeight: number;
}

const command = (keys: number, hasTtl: boolean) => {
  const key = fc.integer({ min: 1, max: keys }).map((number) => `k${number}`);
  const value = fc.constantFrom("1", "2", "3");
  const of = (op: string, ...words: readonly fc.Arbitrary<string>[]) =>
    fc.tuple(key, ...words).map((args) => ({ op, args }));
  const usual = [
    of("get"),
    of("get"),
    of("set", value),
    of("set", value, fc.constant("NX")),
    of("del"),
    of("getdel"),
    of("append", value),
    of("incrby", value),
  ];
  const ttl = fc.integer({ min: 1, max: 6 }).map(String);
  const timed = [
    of("get"),
    of("get"),
    of("set", value),
    of("set", value, fc.constant("NX")),
    of("set", value, fc.constant("PX"), ttl),
    of("set", value, fc.constant("PX"), ttl),
    of("append", value),
    of("del"),
  ];
  return fc.oneof(...(hasTtl ? timed : usual));
};

/** Executed on plain strings without TTL. */
export function registerHistory(shape: Shape): fc.Arbitrary<Operation[]> {
  const item = fc.record({
    ...slot(shape.clients, shape.lossWeight),
    command: command(shape.keys, false),
  });
  return fc.array(item, { minLength: 1, maxLength: shape.operations }).map((items) => {
    const values = new Map<string, string | null>();
    return schedule(items).map((each, index) => {
      const { op, args } = each.item.command;
      const key = String(args[0]);
      const { value, reply } = execute(values.get(key) ?? null, { op, args });
      if (takesEffect(each.item)) values.set(key, value);
      return operationOf(each, index + 1, reply);
    });
  });
}

/** One key with TTLs; every expiry is off by a random part of the slack. */
export function timedHistory(
  shape: Omit<Shape, "keys">,
  slackMs: number,
): fc.Arbitrary<Operation[]> {
  const item = fc.record({
    ...slot(shape.clients, shape.lossWeight),
    command: command(1, true),
    skew: fc.integer({ min: -slackMs, max: slackMs }),
  });
  return fc.array(item, { minLength: 1, maxLength: shape.operations }).map((items) => {
    let held: Leased = missing;
    return schedule(items).map((each, index) => {
      const { op, args } = each.item.command;
      const found = each.effect >= held.expiry ? missing : held;
      const { value, reply } = execute(found.value, { op, args });
      if (takesEffect(each.item)) {
        const isSet = op === "set" && reply === "OK";
        held = isSet ? { value, expiry: expiryOf(each) } : { ...found, value };
        if (value === null) held = missing;
      }
      return operationOf(each, index + 1, reply);
    });
  });
}

const expiryOf = ({
  effect,
  item,
}: Scheduled<Slot & { command: Command; skew: number }>): number =>
  item.command.args[2] === "PX"
    ? effect + Number(item.command.args[3]) + item.skew
    : Number.POSITIVE_INFINITY;

interface Leased {
  readonly value: string | null;
  readonly expiry: number;
}

const missing: Leased = { value: null, expiry: Number.POSITIVE_INFINITY };

/** Executed on plain lists; the last transaction reads every key after all others. */
export function listHistory(shape: Shape): fc.Arbitrary<Transaction[]> {
  const step = fc.record({ isAppend: fc.boolean(), key: fc.integer({ min: 1, max: shape.keys }) });
  const item = fc.record({
    ...slot(shape.clients, shape.lossWeight),
    steps: fc.array(step, { minLength: 1, maxLength: 3 }),
  });
  return fc.array(item, { minLength: 1, maxLength: shape.operations }).map((items) => {
    const lists = new Map<string, readonly number[]>();
    let value = 0;
    const history: Transaction[] = schedule(items).map((each, index) => {
      const own = new Map(lists);
      const interval = intervalOf(each, index + 1);
      const ops = each.item.steps.map(({ isAppend, key: number }): MicroOp => {
        const key = `k${number}`;
        const list = own.get(key) ?? [];
        if (!isAppend) return ["read", key, interval.kind === "ok" ? list : null];
        value++;
        own.set(key, [...list, value]);
        return ["append", key, value];
      });
      if (takesEffect(each.item)) for (const [key, list] of own) lists.set(key, list);
      return { ...interval, ops };
    });
    return [...history, finalRead(history, shape.keys, lists)];
  });
}

function finalRead(
  history: readonly Transaction[],
  keys: number,
  lists: ReadonlyMap<string, readonly number[]>,
): Transaction {
  const end = Math.max(...history.map(({ call, ret }) => Math.max(call, ret ?? 0)));
  const ops = Array.from({ length: keys }, (_, at): MicroOp => {
    const key = `k${at + 1}`;
    return ["read", key, lists.get(key) ?? []];
  });
  return { id: 0, client: 0, call: end + 1, ret: end + 2, kind: "ok", ops };
}

/** What a mutated reply may be. */
export const someReply: fc.Arbitrary<Json> = fc.constantFrom(
  null,
  "OK",
  "1",
  "2",
  "3",
  "11",
  0,
  1,
  2,
  3,
);
