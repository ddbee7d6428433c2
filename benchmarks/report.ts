// One table of ratios with their targets, for the terminal.

import { columns, defaultListTarget, memoryTarget, restartTarget, type Targets } from "./cases.ts";
import type { Results } from "./results.ts";
import type { Speed } from "./speed.ts";
import { type SystemName, titles } from "./systems.ts";

const MiB = 1024 * 1024;

/** A row: what, the reference's absolute figure, then one cell per system. */
type Row = readonly string[];

export function report(results: Results): string {
  const { environment: at, rounds, secondsPerRun } = results;
  const head = `kvorum ${at.commit}, ${at.date.slice(0, 10)}, Node ${at.node}, ${at.cpu} (${at.cores} cores)`;
  const method = `redis-server ${at.redis} = 1.00; medians of ${rounds} rounds, ${secondsPerRun} s a run`;
  const rows: Row[] = [["", titles.redis, titles.one, titles.three]];
  for (const speed of results.columns) rows.push(speedRow(speed, targetsOf(speed)));
  for (const speed of results.defaultList) rows.push(speedRow(speed, { one: defaultListTarget }));
  rows.push(...footprintRows(results));
  return [head, method, "", table(rows), ""].join("\n");
}

function targetsOf(speed: Speed): Targets {
  return columns.find(({ name }) => name === speed.case.name)?.targets ?? {};
}

function speedRow(speed: Speed, targets: Targets): Row {
  const cell = (name: "one" | "three") =>
    cellOf(speed.ratio[name], targets[name], (value, target) => value >= target);
  const reference = `${Math.round(speed.operationsPerSecond.redis ?? 0).toLocaleString("en")}/s`;
  return [speed.case.name, reference, cell("one"), cell("three")];
}

function footprintRows({ footprint }: Results): Row[] {
  const { redis, one } = footprint;
  if (redis === undefined || one === undefined) return [];
  const atMost = (value: number, target: number) => value <= target;
  const keys = redis.keys.toLocaleString("en");
  return [
    [
      `memory, ${keys} keys`,
      `${Math.round(redis.residentBytes / MiB)} MiB`,
      cellOf(one.residentBytes / redis.residentBytes, memoryTarget, atMost),
      "",
    ],
    [
      `restart, ${keys} keys`,
      `${Math.round(redis.restartMs)} ms`,
      cellOf(one.restartMs / redis.restartMs, restartTarget, atMost),
      "",
    ],
  ];
}

function cellOf(
  value: number | undefined,
  target: number | undefined,
  reached: (value: number, target: number) => boolean,
): string {
  if (value === undefined) return "";
  const text = value.toFixed(2);
  if (target === undefined) return text;
  return `${text} (target ${target.toFixed(2)}${reached(value, target) ? "" : ", missed"})`;
}

function table(rows: readonly Row[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

/** The systems that a result has figures for, in the order of the table. */
export function systemsOf(results: Results): SystemName[] {
  const [first] = results.columns;
  return (["redis", "one", "three"] as const).filter((name) => first?.ratio[name] !== undefined);
}
