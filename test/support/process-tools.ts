// Which outside programs a test needs, and what happens when one is missing: skipped, in CI a failure.

import { spawnSync } from "node:child_process";

export type Tool = "redis-server" | "redis-cli" | "redis-benchmark" | "strace" | "faketime";

/** How each tool proves that it works here: strace also needs the right to trace. */
const probes: Readonly<Record<Tool, readonly string[]>> = {
  "redis-server": ["--version"],
  "redis-cli": ["--version"],
  "redis-benchmark": ["--version"],
  faketime: ["-f", "+1h", "true"],
  strace: ["-f", "-qq", "-e", "trace=none", "true"],
};

/** faketime fails under the process id of a killed one that has left its shared memory behind. */
const probesMax = 3;

const known = new Map<Tool, boolean>();

export function hasTool(tool: Tool): boolean {
  let works = known.get(tool);
  if (works === undefined) {
    works = false;
    for (let probe = 0; probe < probesMax && !works; probe++) {
      works = spawnSync(tool, probes[tool], { stdio: "ignore" }).status === 0;
    }
    known.set(tool, works);
  }
  return works;
}

/**
 * True when every tool works here. Otherwise the caller skips (`describe.skipIf(!requireTool(...))`)
 * and the reason is printed; with CI set nothing may be skipped, so it throws.
 */
export function requireTool(...tools: readonly Tool[]): boolean {
  const missing = tools.filter((tool) => !hasTool(tool));
  if (missing.length === 0) return true;
  const reason = `${missing.join(", ")} not usable here`;
  const { CI } = process.env;
  if (CI !== undefined) throw new Error(`${reason}; CI must not skip tests`);
  process.stderr.write(`skipped: ${reason}\n`);
  return false;
}
