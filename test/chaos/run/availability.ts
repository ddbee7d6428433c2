// What clients noticed of the faults: errors where there should be none, and pauses between acknowledged writes.

import { inWords, type Operation } from "../../checking/history.ts";
import { answerMs } from "../clients/connection.ts";
import { isAcknowledgedWrite } from "../clients/load.ts";
import { gaveUp } from "../clients/recorder.ts";

/** One fault from its start until the cluster was whole again; nanoseconds since the run began. */
export interface Cycle {
  readonly fault: string;
  /** Slots. */
  readonly victims: readonly number[];
  readonly start: number;
  readonly heal: number;
  readonly recovered: number;
  /** By how much the term grew: 0 when the leader stayed. */
  readonly terms: number;
}

const nanosecondsPerMs = 1e6;

/** Operations of clients of nodes that were no victims at that time, and that did not succeed. */
export function errorsAtLiving(
  history: readonly Operation[],
  cycles: readonly Cycle[],
): readonly Operation[] {
  return history.filter(
    (operation) => hasFailed(operation) && !cycles.some((cycle) => excuses(cycle, operation)),
  );
}

/** A node that is loading is not living yet, although it says so itself. */
function hasFailed({ kind, res }: Operation): boolean {
  const isLoading = typeof res === "string" && res.startsWith("LOADING ");
  return kind !== "ok" && res !== gaveUp && !isLoading;
}

function excuses({ victims, start, recovered }: Cycle, { node, call, ret }: Operation): boolean {
  const end = ret ?? call + answerMs * nanosecondsPerMs;
  return victims.includes(node) && call <= recovered && end >= start;
}

export function errorsInWords(errors: readonly Operation[]): readonly string[] {
  const shown = errors.slice(0, 3).map((each) => `${inWords(each)}: ${JSON.stringify(each.res)}`);
  const more = errors.length > shown.length ? [`and ${errors.length - shown.length} more`] : [];
  return [...shown, ...more];
}

/**
 * By cycle, in milliseconds: the longest time without an acknowledged write of any client, from the last one
 * before the fault until the next fault, or the end of the load.
 */
export function longestGaps(
  history: readonly Operation[],
  cycles: readonly Cycle[],
  loadEnd: number,
): readonly number[] {
  const times = history.filter(isAcknowledgedWrite).map(({ ret }) => ret ?? 0);
  times.sort((a, b) => a - b);
  return cycles.map(({ start }, at) => {
    const end = cycles[at + 1]?.start ?? loadEnd;
    const before = times.findLast((time) => time <= start) ?? start;
    const inside = times.filter((time) => time > start && time <= end);
    const points = [before, ...inside, end];
    const gaps = points.slice(1).map((time, index) => time - (points[index] as number));
    return Math.max(...gaps) / nanosecondsPerMs;
  });
}
