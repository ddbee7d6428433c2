// Processor time of processes on Linux, from /proc/<pid>/stat.

import { readFileSync } from "node:fs";
import { assert } from "../src/assert.ts";

/** Linux counts times for /proc in hundredths of a second on every machine. */
const microsPerTick = 10_000;

/** Of all its threads, user and system, since the process started; whole ticks. */
export function processorMicros(pid: number): number {
  return microsOf(readFileSync(`/proc/${pid}/stat`, "latin1"));
}

/** The same from the text of the file: `pid (name) state ppid ...`, see proc(5). */
export function microsOf(stat: string): number {
  // A name may hold spaces and parentheses; no later field holds one.
  const afterName = stat.slice(stat.lastIndexOf(")") + 1);
  const [, , , , , , , , , , , user, system] = afterName.trim().split(" ");
  const ticks = Number(user) + Number(system);
  assert(Number.isSafeInteger(ticks), `a stat of /proc without times: ${stat}`);
  return ticks * microsPerTick;
}
