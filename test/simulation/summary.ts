// What many runs did, for a reader.

import type { Marks } from "./marks.ts";

const count = (value: number): string => value.toLocaleString("en-US");

export function summarise(marks: Marks, seconds: number, failures: number): string {
  const simulated = marks.simulatedUs / 1e6;
  return [
    `${count(marks.seeds)} seeds, ${count(failures)} failed`,
    `${count(marks.steps)} steps, ${count(Math.round(marks.steps / seconds))} a second`,
    `${inTime(simulated)} of simulated time in ${inTime(seconds)}`,
    `${count(marks.operations)} requests, ${count(marks.entries)} committed entries`,
    `${count(marks.undecided)} histories left undecided by the linearizability search`,
    `slowest recovery: ${(marks.slowestRecoveryUs / 1e6).toFixed(2)} s`,
    "faults injected:",
    ...table(marks.faults),
    "interesting states:",
    ...table(marks.states),
    "seeds in which a limit was reached:",
    ...table(marks.narrow),
    "",
  ].join("\n");
}

function* table(rows: ReadonlyMap<string, number>): Generator<string> {
  for (const [name, times] of rows) yield `  ${count(times).padStart(12)}  ${name}`;
}

function inTime(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  if (seconds < 7_200) return `${(seconds / 60).toFixed(0)} min`;
  return seconds < 172_800
    ? `${(seconds / 3_600).toFixed(1)} h`
    : `${(seconds / 86_400).toFixed(1)} days`;
}
