// The shape of a result file, where it was measured, and how it is written.

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { root } from "../test/support/process-server.ts";
import type { SystemName } from "./cases.ts";
import type { Footprint } from "./footprint.ts";
import type { Speed } from "./speed.ts";

export interface Environment {
  /** ISO 8601, UTC. */
  readonly date: string;
  /** Short hash, with "-dirty" when the checkout had changes. */
  readonly commit: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly node: string;
  readonly redis: string;
}

export interface Results {
  readonly environment: Environment;
  readonly rounds: number;
  readonly secondsPerRun: number;
  readonly columns: readonly Speed[];
  /** One node, the rest of redis-benchmark's default list; empty unless asked for. */
  readonly defaultList: readonly Speed[];
  readonly footprint: Readonly<Partial<Record<SystemName, Footprint>>>;
}

export function environment(): Environment {
  const [first] = cpus();
  return {
    date: new Date().toISOString(),
    commit: commit(),
    cpu: first?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    node: process.version,
    redis: /v=([\d.]+)/.exec(output("redis-server", "--version"))?.[1] ?? "unknown",
  };
}

/** Writes <date>-<commit>.json and returns its path. */
export function writeResults(results: Results): string {
  const { date, commit: hash } = results.environment;
  const directory = resultsDirectory();
  const path = join(directory, `${date.slice(0, 10)}-${hash}.json`);
  writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
  return path;
}

export function resultsDirectory(): string {
  const directory = join(root, "benchmarks", "results");
  mkdirSync(directory, { recursive: true });
  return directory;
}

function commit(): string {
  const hash = output("git", "-C", root, "rev-parse", "--short", "HEAD");
  if (hash === "") return "unknown";
  // A new result file or chart is no change of what was measured.
  const changes = output("git", "-C", root, "status", "--porcelain", "--", ".", ":!benchmarks");
  return changes === "" ? hash : `${hash}-dirty`;
}

function output(program: string, ...args: readonly string[]): string {
  return spawnSync(program, args, { encoding: "utf8" }).stdout?.trim() ?? "";
}
