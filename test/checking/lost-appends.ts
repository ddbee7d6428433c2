// Which transactions took effect, since when at the latest, and which of their appends nobody has seen.

import type { Anomaly } from "./anomaly.ts";
import type { ListRead } from "./observations.ts";
import { type Transaction, transactionInWords } from "./transaction.ts";
import type { VersionOrder } from "./version-order.ts";

/**
 * By position of the transaction, the time at which it had certainly taken effect: its return, or the return
 * of the first transaction that saw one of its appends. Infinity: perhaps it never did.
 */
export function settledTimes(
  transactions: readonly Transaction[],
  versions: readonly VersionOrder[],
): Float64Array {
  const settled = Float64Array.from(transactions, ({ kind, ret }) =>
    kind === "ok" && ret !== null ? ret : Number.POSITIVE_INFINITY,
  );
  for (const version of versions) {
    if (!version.isTrusted) continue;
    const firstSeen = firstSeenTimes(version, transactions);
    for (const [position, value] of version.order.entries()) {
      const by = version.appends.get(value)?.by ?? 0;
      settled[by] = Math.min(settled[by] as number, firstSeen[position] as number);
    }
  }
  return settled;
}

/** By position in the order: the first return of a read that shows it. */
function firstSeenTimes(version: VersionOrder, transactions: readonly Transaction[]): Float64Array {
  const { order, reads } = version;
  const first = new Float64Array(order.length).fill(Number.POSITIVE_INFINITY);
  for (const { by, list } of reads) {
    const last = list.length - 1;
    const ret = transactions[by]?.ret ?? Number.POSITIVE_INFINITY;
    if (last >= 0) first[last] = Math.min(first[last] as number, ret);
  }
  // Who sees a position sees all before it.
  for (let at = order.length - 2; at >= 0; at--) {
    first[at] = Math.min(first[at] as number, first[at + 1] as number);
  }
  return first;
}

/** An append of a transaction that took effect; no read shows it, so it comes after all that was read. */
export interface Unseen {
  readonly value: number;
  readonly by: number;
}

export interface UnseenAppends {
  /** A read of the key was called after these had taken effect. */
  readonly lost: readonly Unseen[];
  /** Nobody looked since. */
  readonly late: readonly Unseen[];
}

/**
 * A transaction is all or nothing: of one of which some append was seen, all count. (An append that some
 * read shows is never lost: a later read without it makes a cycle.)
 */
export function unseenAppends(
  { appends, observed, reads }: VersionOrder,
  transactions: readonly Transaction[],
  settled: Float64Array,
): UnseenAppends {
  const lastCall = lastCalled(reads, transactions)?.call ?? Number.NEGATIVE_INFINITY;
  const lost: Unseen[] = [];
  const late: Unseen[] = [];
  for (const [value, { by }] of appends) {
    const since = settled[by] as number;
    if (observed.has(value) || since === Number.POSITIVE_INFINITY) continue;
    (lastCall > since ? lost : late).push({ value, by });
  }
  return { lost, late };
}

/** One report per key: the first loss tells the story. */
export function lostAnomalies(
  { key, reads }: VersionOrder,
  transactions: readonly Transaction[],
  lost: readonly Unseen[],
): Anomaly[] {
  const last = lastCalled(reads, transactions);
  const [first] = lost;
  if (last === null || first === undefined) return [];
  const writer = transactions[first.by] as Transaction;
  const effect = writer.kind === "ok" ? "was acknowledged" : "took effect, as another key shows";
  const more = lost.length === 1 ? "" : ` (and ${lost.length - 1} more)`;
  const what = `${key}: the append of ${first.value} ${effect}, and a later read is without it${more}`;
  const lines = [what, `  ${transactionInWords(writer)}`, `  ${transactionInWords(last)}`];
  return [{ name: "lost-append", explanation: lines.join("\n"), transactions: [writer, last] }];
}

function lastCalled(
  reads: readonly ListRead[],
  transactions: readonly Transaction[],
): Transaction | null {
  let last: Transaction | null = null;
  for (const { by } of reads) {
    const transaction = transactions[by] as Transaction;
    if (last === null || transaction.call > last.call) last = transaction;
  }
  return last;
}
