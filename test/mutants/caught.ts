// The table of the planted bugs: how many seeds it took from seed 1 on until one was seen, and by what.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { root } from "../support/process-server.ts";
import type { Run } from "./mutant.ts";

export interface Caught {
  readonly name: string;
  readonly run: Run;
  readonly seeds: number;
  /** The promise that was seen broken. */
  readonly invariant: string;
}

/** Written by `npm run mutants`, below the root of the checkout. */
export const caughtPath = "test/mutants/caught.json";

export async function readCaught(): Promise<readonly Caught[]> {
  const path = join(root, caughtPath);
  return existsSync(path) ? (JSON.parse(await readFile(path, "utf8")) as Caught[]) : [];
}

/** B2 of the reliability goals: half of all within 200 seeds, every one within 5,000. */
export function summary(rows: readonly Caught[]): string {
  const seeds = rows.map((row) => row.seeds).toSorted((a, b) => a - b);
  const median = seeds[Math.floor(seeds.length / 2)] ?? 0;
  return `${rows.length} mutants; seeds until one is caught: median ${median}, worst ${seeds.at(-1) ?? 0}`;
}
