// One seed, judged: run, sometimes run again, and described when it fails.

import { drawPlan, nothingOmitted, type Omissions } from "./plan.ts";
import { type Outcome, type SimulationOptions, simulate } from "./simulation.ts";
import { Violation } from "./world.ts";

/** Every so many seeds one runs twice: nothing but the seed may decide what happens. */
const twiceEvery = 100;

export async function runSeed(
  seed: number,
  omit: Omissions = nothingOmitted,
  options: SimulationOptions = {},
): Promise<Outcome> {
  const outcome = await simulate(drawPlan(seed, omit), options);
  if (seed % twiceEvery !== 0 || outcome.violation !== null) return outcome;
  const again = await simulate(drawPlan(seed, omit), options);
  if (again.hash === outcome.hash) return outcome;
  const what = `seed ${seed} ran as ${outcome.hash} and as ${again.hash}`;
  return { ...outcome, violation: new Violation("determinism", what) };
}

/** What a violation looks like to the one who has to find its cause. */
export function describeViolation(seed: number, outcome: Outcome, omit = nothingOmitted): string {
  const { violation, lastLines } = outcome;
  const stack = violation?.cause instanceof Error ? [violation.cause.stack ?? ""] : [];
  return [
    `seed ${seed} breaks ${violation?.message}`,
    ...stack,
    "the last steps:",
    ...lastLines,
    `again with: ${reproduction(seed, omit)}`,
    "",
  ].join("\n");
}

/** The command that runs it again. */
export function reproduction(seed: number, { faults, operations }: Omissions): string {
  const without = [
    faults.size > 0 ? ` --without-faults ${inRanges(faults)}` : "",
    operations.size > 0 ? ` --without-requests ${inRanges(operations)}` : "",
  ];
  return `npm run simulate -- --seed ${seed}${without.join("")} --trace`;
}

/** 1-4,7: short enough for a command line. */
export function inRanges(numbers: ReadonlySet<number>): string {
  const ranges: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = ranges.at(-1);
    if (last !== undefined && number === last[1] + 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(",");
}

/** @throws {Error} on text that `inRanges` cannot have written */
export function fromRanges(text: string): Set<number> {
  const numbers = new Set<number>();
  for (const range of text.split(",").filter((each) => each !== "")) {
    const [low, high = low] = range.split("-").map(Number);
    if (low === undefined || high === undefined || !Number.isSafeInteger(low + high)) {
      throw new Error(`'${range}' is no number and no range`);
    }
    for (let number = low; number <= high; number += 1) numbers.add(number);
  }
  return numbers;
}
