// The tables of a result, for the terminal.

import {
  columns,
  defaultListTargets,
  memoryTarget,
  type ProcessName,
  processNames,
  restartTarget,
  type SystemName,
  systemNames,
} from "./cases.ts";
import { type Flatness, operations } from "./flatness.ts";
import { median } from "./median.ts";
import { moments } from "./memory.ts";
import type { Results } from "./results.ts";
import type { Run, Speed, Summary } from "./speed.ts";

const MiB = 1024 * 1024;

/** Heads of the tables; a cluster serves its clients through its leader. */
const titles: Readonly<Record<ProcessName, string>> = {
  redis: "redis-server",
  one: "one node",
  three: "three: leader",
  "three follower": "three: each follower",
  lease: "lease reads: leader",
  "lease follower": "lease reads: each follower",
};

type Row = readonly string[];
type Reached = (ratio: number, target: number) => boolean;

const atMost: Reached = (ratio, target) => ratio <= target;
const atLeast: Reached = (ratio, target) => ratio >= target;

export function report(results: Results): string {
  const { environment: at, rounds, secondsPerRun } = results;
  const speeds = [...results.columns, ...results.defaultList];
  return [
    `kvorum ${at.commit}, ${at.date.slice(0, 10)}, Node ${at.node}, ${at.cpu} (${at.cores} cores)`,
    `redis-server ${at.redis}, AOF always = 1.00; medians of ${rounds} rounds, ${secondsPerRun} s a run`,
    "Each cell: figure, ratio to redis-server in the same round [target], ! where the target is missed",
    "",
    "Processor time, µs per request (targets: at most)",
    table(processNames, speeds, processorTimeCell),
    "",
    "Throughput, thousands of requests per second (expected: at least)",
    table(systemNames, speeds, throughputCell),
    "",
    "Latency, ms: p50 / p99 / p99.9",
    table(systemNames, speeds, latencyCell),
    ...footprintLines(results),
    "",
  ].join("\n");
}

function processorTimeCell(speed: Speed, name: ProcessName): string {
  const target = goalOf(speed)?.processorTime[name];
  return cellOf(speed.processorTime[name], 1, target, atMost);
}

function throughputCell(speed: Speed, name: SystemName): string {
  const target = (goalOf(speed)?.throughput ?? defaultListTargets)[name];
  return cellOf(speed.throughput[name], 1_000, target, atLeast);
}

function latencyCell({ rounds }: Speed, name: SystemName): string {
  const runs = rounds.flatMap((round) => round[name] ?? []);
  if (runs.length === 0) return "";
  const middle = (of: (run: Run) => number) => median(runs.map(of)).toFixed(2);
  return `${middle((run) => run.p50Ms)} / ${middle((run) => run.p99Ms)} / ${middle((run) => run.p999Ms)}`;
}

function goalOf(speed: Speed) {
  return columns.find(({ name }) => name === speed.case.name);
}

function cellOf(
  summary: Summary | undefined,
  unit: number,
  target: number | undefined,
  reached: Reached,
): string {
  if (summary === undefined) return "";
  const figure = summary.median / unit;
  return `${figure.toFixed(figure < 100 ? 2 : 0)}  ${ratioOf(summary.ratio, target, reached)}`;
}

function ratioOf(ratio: number, target: number | undefined, reached: Reached): string {
  if (target === undefined) return ratio.toFixed(2);
  return `${ratio.toFixed(2)} [${target.toFixed(2)}]${reached(ratio, target) ? "" : "!"}`;
}

function footprintLines({ footprint }: Results): string[] {
  const { redis, one } = footprint;
  if (redis === undefined || one === undefined) return [];
  const memory = ratioOf(one.residentBytes / redis.residentBytes, memoryTarget, atMost);
  const restart = ratioOf(one.restartMs / redis.restartMs, restartTarget, atMost);
  const mebibytes = (bytes: number) => `${Math.round(bytes / MiB)} MiB`;
  const milliseconds = (ms: number) => `${Math.round(ms)} ms`;
  return [
    "",
    `${redis.keys.toLocaleString("en")} keys (targets: at most)`,
    aligned([
      ["", titles.redis, titles.one],
      ["memory", mebibytes(redis.residentBytes), `${mebibytes(one.residentBytes)} ${memory}`],
      ["restart", milliseconds(redis.restartMs), `${milliseconds(one.restartMs)} ${restart}`],
    ]),
  ];
}

export interface MemoryRow {
  readonly what: string;
  /** Resident bytes at each of `moments`. */
  readonly redis: readonly number[];
  readonly one: readonly number[];
}

export function memoryReport(rows: readonly MemoryRow[]): string {
  const cells = rows.flatMap(({ what, redis, one }): Row[] => {
    const peers = [...redis, growthOf(redis)];
    const own = [...one, growthOf(one)];
    return [
      [what, titles.redis, ...peers.map(megabytes)],
      [
        "",
        titles.one,
        ...own.map((bytes, at) => `${megabytes(bytes)} ${(bytes / (peers[at] ?? 0)).toFixed(2)}`),
      ],
    ];
  });
  return aligned([["resident MB", "", ...moments, "growth"], ...cells]);
}

export function flatnessReport(rows: readonly Flatness[]): string {
  return aligned([
    ["keys", ...operations.map((operation) => `${operation} ns (longest ms)`)],
    ...rows.map(({ keys, costs }) => [
      keys.toLocaleString("en"),
      ...costs.map(({ ns, longestMs }) => `${Math.round(ns)} (${longestMs.toFixed(1)})`),
    ]),
  ]);
}

const megabytes = (bytes: number): string => String(Math.round(bytes / 1e6));
const growthOf = ([empty = 0, filled = 0]: readonly number[]): number => filled - empty;

/** A row per case and a column per name that has a figure at all. */
function table<Name extends ProcessName>(
  names: readonly Name[],
  speeds: readonly Speed[],
  cell: (speed: Speed, name: Name) => string,
): string {
  const measured = names.filter((name) => speeds.some((speed) => cell(speed, name) !== ""));
  return aligned([
    ["", ...measured.map((name) => titles[name])],
    ...speeds.map((speed) => [speed.case.name, ...measured.map((name) => cell(speed, name))]),
  ]);
}

function aligned(rows: readonly Row[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  return rows
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}
