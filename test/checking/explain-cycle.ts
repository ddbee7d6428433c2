// A cycle in words: each transaction, and why each must have come before the next.

import type { Anomaly } from "./anomaly.ts";
import type { Cycle } from "./cycles.ts";
import { type Edge, edgeKinds } from "./dependency-graph.ts";
import { listInWords, type Transaction, transactionInWords } from "./transaction.ts";
import type { VersionOrder } from "./version-order.ts";

export function cycleAnomaly(
  { name, edges }: Cycle,
  transactions: readonly Transaction[],
  versions: readonly VersionOrder[],
): Anomaly {
  const members = edges.map(({ from }) => transactions[from] as Transaction);
  const label = (node: number): string => `T${1 + edges.findIndex(({ from }) => from === node)}`;
  const explanation = [
    `${name}: ${members.length} transactions, each of which must come before the next one.`,
    ...members.map((each, at) => `  T${at + 1} = ${transactionInWords(each)}`),
    ...edges.map((edge) => {
      const names = { from: label(edge.from), to: label(edge.to) };
      return `  ${names.from} < ${names.to}: ${reason(edge, names, versions)}`;
    }),
    "So T1 must come before itself.",
  ].join("\n");
  return { name, explanation, transactions: members };
}

interface Names {
  readonly from: string;
  readonly to: string;
}

function reason(
  { kind, about }: Edge,
  { from, to }: Names,
  versions: readonly VersionOrder[],
): string {
  if (about === null) return `${from} had returned before ${to} was called (real time)`;
  const version = versions[about.key];
  const key = version?.key ?? "";
  const list = version?.order.slice(0, about.length) ?? [];
  const { value } = about;
  if (kind === edgeKinds.ww) {
    return `${from} appended ${list.at(-1)} to ${key}, and ${to} appended ${value} after it (ww)`;
  }
  if (kind === edgeKinds.wr) {
    return `${to} read ${key} with ${value} at its end, which ${from} had appended (wr)`;
  }
  return `${from} read ${key} as ${listInWords(list)}, without ${value}, which ${to} appended (rw)`;
}
