// Are transactions of appends and reads strictly serializable? A checker in the way of Elle.
//
// Kingsbury and Alvaro, "Elle: inferring isolation anomalies from experimental observations" (2020); Adya,
// "Weak consistency" (1999). One read of a list shows the whole order of its appends, so the graph of
// dependencies is known and not searched for: time and memory grow with the history alone.
//
// What is reported is a violation. Where nothing is, any order along the graph explains every read. But who
// does not look finds nothing: a run ends with one read of every key.

import type { Anomaly } from "./anomaly.ts";
import { findCycles } from "./cycles.ts";
import { dependencies } from "./dependencies.ts";
import { cycleAnomaly } from "./explain-cycle.ts";
import { lostAnomalies, settledTimes, unseenAppends } from "./lost-appends.ts";
import { observe } from "./observations.ts";
import type { Transaction } from "./transaction.ts";
import { type VersionOrder, versionOrder } from "./version-order.ts";

export interface ListAppendReport {
  /** Empty for a history in which nothing contradicts strict serializability. */
  readonly anomalies: readonly Anomaly[];
  /** One per key, in the order of the keys' first appearance. */
  readonly versions: readonly VersionOrder[];
}

/**
 * @param transactions in any order; the values appended to a key are unique
 * @throws {HistoryError} when they are not
 */
export function checkListAppend(transactions: readonly Transaction[]): ListAppendReport {
  const { keys, anomalies } = observe(transactions);
  const versions = keys.map((key) => versionOrder(key, transactions));
  const settled = settledTimes(transactions, versions);
  const unseen = versions.map((version) => unseenAppends(version, transactions, settled));
  const late = unseen.map((appends) => appends.late);
  const graph = dependencies(transactions, { versions, unseen: late, settled });
  const cycles = findCycles(graph);
  return {
    versions,
    anomalies: [
      ...anomalies,
      ...versions.flatMap((version) => version.anomalies),
      ...versions.flatMap((version, at) =>
        lostAnomalies(version, transactions, unseen[at]?.lost ?? []),
      ),
      ...cycles.map((cycle) => cycleAnomaly(cycle, transactions, versions)),
    ],
  };
}
