// The table at the end: one row per fault, all its runs together.

import type { RunResult } from "./chaos-run.ts";

const header = [
  "fault",
  "runs",
  "void",
  "faults",
  "ops",
  "errors",
  "terms",
  "gap",
  "worst",
  "anomalies",
  "unknown",
];

/** Terms count changes of leader. Gaps are milliseconds without an acknowledged write of any client: median and worst. */
export function resultTable(results: readonly RunResult[]): string {
  const byName = new Map<string, RunResult[]>();
  for (const result of results) {
    byName.set(result.name, [...(byName.get(result.name) ?? []), result]);
  }
  return layOut([header, ...[...byName].map(([name, runs]) => row(name, runs))]);
}

function row(name: string, runs: readonly RunResult[]): string[] {
  const sum = (count: (run: RunResult) => number) =>
    String(runs.reduce((total, run) => total + count(run), 0));
  const gaps = runs.flatMap(({ gapsMs }) => gapsMs);
  return [
    name,
    String(runs.length),
    sum(({ isVoid }) => Number(isVoid)),
    sum(({ cycles }) => cycles.length),
    sum(({ operations }) => operations),
    sum(({ errors }) => errors),
    sum(({ cycles }) => cycles.reduce((total, { terms }) => total + terms, 0)),
    milliseconds(middle(gaps)),
    milliseconds(Math.max(...gaps)),
    sum(({ anomalies }) => anomalies.length),
    sum(({ unknown }) => unknown.length),
  ];
}

/** The median; of an even number the lower of the two in the middle. NaN of none. */
export function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

function milliseconds(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value)} ms` : "-";
}

/** The first column to the left, numbers to the right. */
export function layOut(table: readonly (readonly string[])[]): string {
  const widths = (table[0] ?? []).map((_, column) =>
    Math.max(...table.map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  ");
  return table.map((cells) => `${line(cells)}\n`).join("");
}

/** A run proves something, and nothing against the server. */
export function isGood({ isVoid, errors, anomalies, unknown }: RunResult): boolean {
  return !isVoid && errors === 0 && anomalies.length === 0 && unknown.length === 0;
}

/** What is wrong with a run, in words. */
export function complaints(result: RunResult): string {
  const { name, seed, rateBefore, isVoid, errorExamples, anomalies, unknown } = result;
  const lines = [
    ...(isVoid ? [`void: ${rateBefore} operations/s before the first fault`] : []),
    ...anomalies,
    ...errorExamples.map((each) => `an error for a client of a living node: ${each}`),
    ...unknown.map((key) => `too much to search on ${key}`),
  ];
  return lines.map((each) => `${name} (seed ${seed}): ${each}\n`).join("");
}
