// npm run simulate -- --seed N | --seeds N --from M | --minutes N: whole clusters in virtual time.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread } from "node:worker_threads";
import type { Omissions } from "./plan.ts";
import { type Failure, runPool, serveAsThread } from "./pool.ts";
import { describeViolation, fromRanges, reproduction, runSeed } from "./run-seed.ts";
import { shrink } from "./shrink.ts";
import { summarise } from "./summary.ts";

const usage = `Usage: npm run simulate -- [options]
  --seed N               one seed
    --trace              with every step
    --shrink             with as few faults and requests as still break the same invariant
    --without-faults L   without these (1,4-7)
    --without-requests L without these
  --seeds N              so many seeds (default 1200)
  --minutes N            as many seeds as fit into this time
  --from N               the first of them (default 1)
  --threads N            default: one per processor
`;

const progressMs = 10_000;
/** Runs of this many seeds meet every fault and every interesting state. */
const seedsForAll = 500;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function readOptions() {
  return parseArgs({
    options: {
      seed: { type: "string" },
      trace: { type: "boolean", default: false },
      shrink: { type: "boolean", default: false },
      "without-faults": { type: "string", default: "" },
      "without-requests": { type: "string", default: "" },
      seeds: { type: "string", default: "1200" },
      minutes: { type: "string" },
      from: { type: "string", default: "1" },
      threads: { type: "string", default: String(availableParallelism()) },
      help: { type: "boolean", short: "h", default: false },
    },
  }).values;
}

type Options = ReturnType<typeof readOptions>;

if (isMainThread) process.exitCode = await main();
else serveAsThread();

async function main(): Promise<number> {
  const options = readOptions();
  if (options.help) {
    say(usage);
    return 0;
  }
  return options.seed === undefined ? await runMany(options) : await runOne(options);
}

async function runOne(options: Options): Promise<number> {
  const seed = Number(options.seed);
  const omit: Omissions = {
    faults: fromRanges(options["without-faults"]),
    operations: fromRanges(options["without-requests"]),
  };
  const outcome = await runSeed(seed, omit, options.trace ? { out: say } : {});
  const { violation, hash, marks } = outcome;
  if (violation === null) {
    say(`seed ${seed} keeps every promise: ${marks.steps} steps, trace ${hash}`);
    return 0;
  }
  say(describeViolation(seed, outcome, omit));
  if (options.shrink) await showShrunk(seed, violation.invariant);
  return 1;
}

async function showShrunk(seed: number, invariant: string): Promise<void> {
  say("shrinking ...");
  const omit = await shrink(seed, invariant);
  say(describeViolation(seed, await runSeed(seed, omit), omit));
  say(`shortest found: ${reproduction(seed, omit)}`);
}

async function runMany(options: Options): Promise<number> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1_000;
  const limit = options.minutes === undefined ? null : Number(options.minutes) * 60;
  const failures: Failure[] = [];
  let spokeAt = began;
  const marks = await runPool({
    threads: Number(options.threads),
    script: new URL(import.meta.url),
    from: Number(options.from),
    goesOn: (begun) => (limit === null ? begun < Number(options.seeds) : seconds() < limit),
    onDone: (sofar, found) => {
      failures.push(...found);
      for (const { text } of found) say(text);
      if (performance.now() - spokeAt < progressMs) return;
      spokeAt = performance.now();
      say(
        `${seconds().toFixed(0)} s: ${sofar.seeds} seeds, ${sofar.steps} steps, ${failures.length} failed`,
      );
    },
  });
  say(summarise(marks, seconds(), failures.length));
  const [first] = failures;
  if (first !== undefined) {
    say(
      `failed: ${failures.map(({ seed }) => seed).join(" ")} (they belong into test/simulation/seeds.txt)`,
    );
    await showShrunk(first.seed, first.invariant);
  }
  const never = marks.seeds >= seedsForAll ? marks.missing : [];
  for (const state of never) say(`never met: ${state}`);
  return failures.length + never.length > 0 ? 1 : 0;
}
