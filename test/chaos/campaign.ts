// Many runs: each fault by itself, or all of them mixed, until the time is over.

import { createWriteStream, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import type { Fault } from "./faults/fault.ts";
import { isMissingTool, lackOf } from "./machine/abilities.ts";
import type { Options } from "./options.ts";
import { type RunPlan, type RunResult, runChaos } from "./run/chaos-run.ts";
import { isGood } from "./run/report.ts";

/** A fault that this machine cannot do, and why. */
export interface Unavailable {
  readonly fault: string;
  readonly reason: string;
}

/**
 * Parts what can be done here from what cannot.
 * @throws {Error} in continuous integration when a tool is missing: there it could be installed
 */
export function sortOut(faults: readonly Fault[]): {
  readonly possible: readonly Fault[];
  readonly unavailable: readonly Unavailable[];
} {
  const possible: Fault[] = [];
  const unavailable: Unavailable[] = [];
  for (const fault of faults) {
    const reason = lackOf(fault.needs);
    if (reason === null) possible.push(fault);
    else unavailable.push({ fault: fault.name, reason });
  }
  const { CI } = process.env;
  const missing = unavailable.find(({ reason }) => isMissingTool(reason));
  if (CI !== undefined && missing !== undefined) {
    throw new Error(`${missing.fault}: ${missing.reason}; CI must not leave out faults`);
  }
  return { possible, unavailable };
}

export interface Tell {
  progress(line: string): void;
  result(result: RunResult, history: string | null): void;
}

export async function runCampaign(
  options: Options,
  faults: readonly Fault[],
  tell: Tell,
): Promise<RunResult[]> {
  const deadline = performance.now() + options.minutes * 60_000;
  const runs = options.isMixed ? mixable(faults) : faults.map((fault) => [fault]);
  const results: RunResult[] = [];
  do {
    for (const together of runs) {
      const plan = planOf(options, together, results.length);
      const { result, history } = await runWithHistory(plan, options.histories, tell);
      results.push(result);
      tell.result(result, history);
      if (options.minutes > 0 && performance.now() >= deadline) break;
    }
  } while (performance.now() < deadline);
  return results;
}

/** Nodes in namespaces have no proxies between them: such faults have a run of their own. */
function mixable(faults: readonly Fault[]): (readonly Fault[])[] {
  const proxied = faults.filter(({ needs }) => needs.includes("proxies"));
  const others = faults.filter(({ needs }) => !needs.includes("proxies"));
  return [others, proxied].filter(({ length }) => length > 0);
}

function planOf(options: Options, faults: readonly Fault[], number: number): RunPlan {
  return {
    name: options.isMixed ? "mixed" : (faults[0]?.name ?? ""),
    faults,
    nodes: Math.max(options.nodes, ...faults.map(({ nodesMin = 0 }) => nodesMin)),
    seconds: options.seconds,
    seed: options.seed + number,
  };
}

/** The history is a file while the run goes on, and stays one when somebody will want to read it. */
async function runWithHistory(
  plan: RunPlan,
  directory: string | null,
  tell: Tell,
): Promise<{ result: RunResult; history: string | null }> {
  const folder = directory ?? tmpdir();
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `kvorum-chaos-${plan.name}-${plan.seed}.ndjson`);
  const file = createWriteStream(path);
  const result = await runChaos({
    ...plan,
    history: (line) => file.write(line),
    progress: (line) => tell.progress(`${plan.name}: ${line}`),
  }).finally(() => file.end());
  await finished(file);
  if (directory !== null || !isGood(result)) return { result, history: path };
  rmSync(path);
  return { result, history: null };
}
