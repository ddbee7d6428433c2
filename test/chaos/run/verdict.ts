// The judgement on a history: what contradicts linearizable strings, strictly serializable lists, exact counters.

import type { Operation } from "../../checking/history.ts";
import { checkLinearizability } from "../../checking/linearizability.ts";
import { registerModel } from "../../checking/register-model.ts";
import { checkStringLists } from "../../checking/string-list.ts";
import { type Family, familyOf } from "../clients/workload.ts";
import { checkCounters } from "./counters.ts";

export interface Verdict {
  /** Each a story of several lines; empty when nothing contradicts the promises. */
  readonly anomalies: readonly string[];
  /** Keys on which the checker's budget ran out. */
  readonly unknown: readonly string[];
}

/**
 * How far from its time a key may expire, see `registerModel`: all clocks are one here, but log time stands
 * still while nobody leads.
 */
export const expirySlackMs = 1_000;

export function judge(history: readonly Operation[], slackMs = expirySlackMs): Verdict {
  const of = (family: Family) => history.filter(({ args }) => familyOf(args) === family);
  const lists = checkStringLists(of("list"));
  const anomalies = lists.map(({ name, explanation }) =>
    explanation.startsWith(name) ? explanation : `${name}: ${explanation}`,
  );
  anomalies.push(...checkCounters(of("counter")));
  const strings = checkLinearizability(registerModel(slackMs), of("register"));
  if (strings.verdict === "not-linearizable") anomalies.push(strings.explanation);
  return { anomalies, unknown: strings.verdict === "unknown" ? strings.partitions : [] };
}
