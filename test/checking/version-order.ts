// The order of the appends to one key, as its longest read shows it, and what in the reads cannot be true.

import type { Anomaly, DirectAnomaly } from "./anomaly.ts";
import { isPrefix, type KeyObservations, type ListRead } from "./observations.ts";
import { type List, listInWords, type Transaction, transactionInWords } from "./transaction.ts";

export interface VersionOrder extends KeyObservations {
  /** The longest list that was read. */
  readonly order: List;
  /** Every value that was read. */
  readonly observed: ReadonlySet<number>;
  /** All reads agree on `order`: edges may be drawn from it. */
  readonly isTrusted: boolean;
  readonly anomalies: readonly Anomaly[];
}

export function versionOrder(
  observations: KeyObservations,
  transactions: readonly Transaction[],
): VersionOrder {
  const { key, reads } = observations;
  const longest = longestOf(reads);
  const order = longest?.list ?? [];
  const strangers = reads.filter(({ list }) => !isPrefix(list, order));
  const suspects = longest === undefined ? [] : [longest, ...strangers];
  const at = (read: ListRead): Transaction => transactions[read.by] as Transaction;

  const found: Anomaly[] = [];
  const report = (name: DirectAnomaly, what: string, ...shown: readonly Transaction[]): void => {
    if (found.some((anomaly) => anomaly.name === name)) return; // One of a kind tells the story.
    const lines = [`${key}: ${what}`, ...shown.map((each) => `  ${transactionInWords(each)}`)];
    found.push({ name, explanation: lines.join("\n"), transactions: shown });
  };

  for (const read of suspects) reportValues(observations, transactions, read, report);
  const [stranger] = strangers;
  if (longest !== undefined && stranger !== undefined) {
    const lists = `${listInWords(stranger.list)} is no prefix of ${listInWords(order)}`;
    report("incompatible-order", lists, at(stranger), at(longest));
  }
  const isTrusted = found.length === 0;
  for (const read of reads) {
    const cut = intermediate(observations, read);
    if (cut === null) continue;
    const what = `a read ends with ${cut.value}, which is not the last append of its transaction`;
    report("intermediate-read", what, transactions[cut.by] as Transaction, at(read));
  }
  const observed = new Set(suspects.flatMap(({ list }) => list));
  return { ...observations, order, observed, isTrusted, anomalies: found };
}

function longestOf(reads: readonly ListRead[]): ListRead | undefined {
  let longest = reads[0];
  for (const read of reads) {
    if (read.list.length > (longest?.list.length ?? 0)) longest = read;
  }
  return longest;
}

type Report = (name: DirectAnomaly, what: string, ...shown: readonly Transaction[]) => void;

/** Values that are there twice, from nowhere, or from a transaction that did not happen. */
function reportValues(
  { appends }: KeyObservations,
  transactions: readonly Transaction[],
  { list, by }: ListRead,
  report: Report,
): void {
  const reader = transactions[by] as Transaction;
  const seen = new Set<number>();
  for (const value of list) {
    const append = appends.get(value);
    const writer = append === undefined ? undefined : transactions[append.by];
    if (writer === undefined) {
      report("garbage-read", `${value} was read, and nobody appended it`, reader);
    } else if (writer.kind === "fail") {
      report("aborted-read", `${value} was read, and its append failed`, writer, reader);
    } else if (seen.has(value)) {
      report("duplicate-append", `${value} was appended once and read twice`, writer, reader);
    }
    seen.add(value);
  }
}

function intermediate(
  { appends }: KeyObservations,
  { by, list, before }: ListRead,
): { readonly value: number; readonly by: number } | null {
  const value = list[before - 1];
  const append = value === undefined ? undefined : appends.get(value);
  if (value === undefined || append === undefined || append.by === by) return null;
  return append.isLast ? null : { value, by: append.by };
}
