// Draws the graph of a history: an edge wherever one transaction must have come before another.

import { DependencyGraph, type EdgeKind, edgeKinds, type Version } from "./dependency-graph.ts";
import type { Unseen } from "./lost-appends.ts";
import type { Transaction } from "./transaction.ts";
import type { VersionOrder } from "./version-order.ts";

/** A key that is appended to for long after its last read would have edges by the square. */
const unseenLinkedMax = 16;

/** What is known of a history before its graph is drawn. */
export interface Findings {
  readonly versions: readonly VersionOrder[];
  /** By key: appends that come after its version order, in an order that nobody knows. */
  readonly unseen: readonly (readonly Unseen[])[];
  /** By transaction: when it had certainly taken effect; infinite ones have no edges. */
  readonly settled: Float64Array;
}

/**
 * Nodes are positions in the history. The order of one client's transactions has no edges of its own: the
 * clients share a clock, so it is part of real time.
 */
export function dependencies(
  transactions: readonly Transaction[],
  { versions, unseen, settled }: Findings,
): DependencyGraph {
  const graph = new DependencyGraph(transactions.length);
  for (const version of versions) {
    if (version.isTrusted) addVersionEdges(graph, version, unseen[version.number] ?? []);
  }
  addRealtimeEdges(graph, transactions, settled);
  return graph.freeze();
}

function addVersionEdges(
  graph: DependencyGraph,
  { number: key, order, appends, reads }: VersionOrder,
  unseen: readonly Unseen[],
): void {
  const writers = order.map((value) => appends.get(value)?.by ?? 0);
  const link = (from: number, to: number, kind: EdgeKind, about: Omit<Version, "key">): void => {
    if (from !== to) graph.add({ from, to, kind, about: { key, ...about } });
  };
  /** By length of the list that was there before: who appended next. */
  const successors = (length: number): readonly Unseen[] => {
    const by = writers[length];
    const value = order[length];
    if (by === undefined || value === undefined) return unseen.slice(0, unseenLinkedMax);
    return [{ by, value }];
  };
  for (const [at, writer] of writers.entries()) {
    const length = at + 1;
    for (const { by, value } of successors(length)) {
      link(writer, by, edgeKinds.ww, { length, value });
    }
  }
  for (const { by: reader, before: length } of reads) {
    const writer = writers[length - 1];
    const last = order[length - 1];
    if (writer !== undefined && last !== undefined) {
      link(writer, reader, edgeKinds.wr, { length, value: last });
    }
    for (const { by, value } of successors(length)) {
      link(reader, by, edgeKinds.rw, { length, value });
    }
  }
}

/**
 * Real time is transitive, so a call needs an edge only from the frontier: the transactions that have
 * returned and of which none was called after another one's return. There are never more of them than
 * clients at work at once, so the edges grow with the history and not with its square.
 */
function addRealtimeEdges(
  graph: DependencyGraph,
  transactions: readonly Transaction[],
  settled: Float64Array,
): void {
  const nodes = [...transactions.keys()].filter((node) => Number.isFinite(settled[node]));
  const timeOf = (node: number): { call: number; ret: number } => ({
    call: transactions[node]?.call ?? 0,
    ret: transactions[node]?.ret ?? Number.POSITIVE_INFINITY,
  });
  const calls = nodes.toSorted((a, b) => timeOf(a).call - timeOf(b).call);
  const returns = nodes
    .filter((node) => transactions[node]?.ret !== null)
    .sort((a, b) => timeOf(a).ret - timeOf(b).ret);
  const frontier = new Set<number>();
  let returned = 0;
  for (const node of calls) {
    const { call } = timeOf(node);
    for (; returned < returns.length; returned++) {
      const done = returns[returned] as number;
      if (timeOf(done).ret >= call) break;
      for (const older of frontier) {
        if (timeOf(older).ret < timeOf(done).call) frontier.delete(older);
      }
      frontier.add(done);
    }
    for (const from of frontier) {
      graph.add({ from, to: node, kind: edgeKinds.realtime, about: null });
    }
  }
}
