// What a history of list transactions shows of each key: who appended what, and who read which list.

import type { Anomaly } from "./anomaly.ts";
import { HistoryError } from "./history.ts";
import { type List, listInWords, type Transaction, transactionInWords } from "./transaction.ts";

export interface Append {
  /** Position of the transaction in the history. */
  readonly by: number;
  /** No later append of its transaction to the same key. */
  isLast: boolean;
}

export interface ListRead {
  /** Position of the transaction in the history. */
  readonly by: number;
  readonly list: List;
  /** How much of the list was there before the transaction itself appended to it. */
  readonly before: number;
}

export interface KeyObservations {
  readonly key: string;
  /** In the order of the keys' first appearance. */
  readonly number: number;
  readonly appends: ReadonlyMap<number, Append>;
  /** The first read of the key by each transaction that got a reply. */
  readonly reads: readonly ListRead[];
}

export interface Observations {
  readonly keys: readonly KeyObservations[];
  /** Transactions that contradict themselves. */
  readonly anomalies: readonly Anomaly[];
}

interface KeyUnderWay extends KeyObservations {
  readonly appends: Map<number, Append>;
  readonly reads: ListRead[];
}

/** What one transaction knows of a key while it runs. */
interface View {
  /** Its first read. */
  first: ListRead | null;
  /** What it must read next; null before its first read. */
  expected: number[] | null;
  readonly own: number[];
}

/** @throws {HistoryError} when a value is appended twice to a key: then no read says whose it is */
export function observe(transactions: readonly Transaction[]): Observations {
  const keys = new Map<string, KeyUnderWay>();
  const anomalies: Anomaly[] = [];
  const keyOf = (key: string): KeyUnderWay => {
    const known = keys.get(key) ?? { key, number: keys.size, appends: new Map(), reads: [] };
    keys.set(key, known);
    return known;
  };
  for (const [by, transaction] of transactions.entries()) {
    const problem = observeTransaction(transaction, by, keyOf);
    if (problem === null) continue;
    const explanation = `${problem}:\n  ${transactionInWords(transaction)}`;
    anomalies.push({ name: "internal", explanation, transactions: [transaction] });
  }
  return { keys: [...keys.values()], anomalies };
}

/** Null, or what is wrong between the commands of the transaction. */
function observeTransaction(
  transaction: Transaction,
  by: number,
  keyOf: (key: string) => KeyUnderWay,
): string | null {
  const views = new Map<string, View>();
  let problem: string | null = null;
  for (const [name, key, what] of transaction.ops) {
    const view = views.get(key) ?? { first: null, expected: null, own: [] };
    views.set(key, view);
    if (name === "append") observeAppend(keyOf(key), view, { by, value: what });
    else if (what !== null && transaction.kind === "ok") {
      const found = observeRead(keyOf(key), view, { by, list: what });
      problem ??= found;
    }
  }
  for (const [key, { own, first }] of views) {
    const last = keyOf(key).appends.get(own.at(-1) ?? Number.NaN);
    if (last !== undefined) last.isLast = true;
    const early = first === null ? undefined : own.find((value) => showsEarly(first, value));
    if (early !== undefined) problem ??= `read of ${key} shows ${early} before its own append`;
  }
  return problem;
}

function observeAppend(key: KeyUnderWay, view: View, append: { by: number; value: number }): void {
  const { by, value } = append;
  if (key.appends.has(value)) {
    throw new HistoryError(`${value} is appended to ${key.key} twice: values must be unique`);
  }
  key.appends.set(value, { by, isLast: false });
  view.own.push(value);
  view.expected?.push(value);
}

function observeRead(
  key: KeyUnderWay,
  view: View,
  { by, list }: { by: number; list: List },
): string | null {
  const { expected, own } = view;
  view.expected = [...list];
  if (expected !== null) {
    return isPrefix(expected, list) && expected.length === list.length
      ? null
      : `read of ${key.key} inside a transaction must be ${listInWords(expected)}`;
  }
  const before = list.length - own.length;
  const showsOwn = before >= 0 && own.every((value, at) => list[before + at] === value);
  view.first = { by, list, before: showsOwn ? before : list.length };
  key.reads.push(view.first);
  return showsOwn ? null : `read of ${key.key} must end with the own appends ${listInWords(own)}`;
}

const showsEarly = ({ list, before }: ListRead, own: number): boolean => {
  const at = list.indexOf(own);
  return at >= 0 && at < before;
};

export const isPrefix = (list: List, longer: List): boolean =>
  list.length <= longer.length && list.every((value, at) => longer[at] === value);
