// npm run damage -- --flips N --seed N: starts on damaged data directories, until something is wrong.

import { parseArgs } from "node:util";
import { campaign } from "./campaign.ts";
import { compileHost } from "./compile-host.ts";
import type { Mode } from "./host.ts";
import type { Tally } from "./tally.ts";

const usage = `Usage: npm run damage -- [options]
  --flips N      single flipped bits; a quarter as many other damages come with them (default 10000)
  --seed N       first seed (default: from the clock)
  --mode MODE    start: the steps of a start; serving: the node as it is, read by a client;
                 running: damaged while it serves (default start)
  --minutes N    begin no new directory after this time (default: no limit)
  --processes N  at a time (default 2)
`;

/** Of one prepared directory. */
const trialsPerSeed = 100;
const modes: readonly Mode[] = ["start", "serving", "running"];

const { values } = parseArgs({
  options: {
    flips: { type: "string", default: "10000" },
    seed: { type: "string" },
    mode: { type: "string", default: "start" },
    minutes: { type: "string" },
    processes: { type: "string", default: "2" },
    help: { type: "boolean", short: "h", default: false },
  },
});

const mode = modes.find((each) => each === values.mode);
if (values.help || mode === undefined) process.stdout.write(usage);
else process.exitCode = await run(mode);

async function run(chosen: Mode): Promise<number> {
  const firstSeed = Number(values.seed ?? Date.now() % 2 ** 20);
  process.stdout.write(`first seed ${firstSeed}\n`);
  const tally = await campaignOf(chosen, firstSeed);
  process.stdout.write(`${tally.table()}\n`);
  process.stdout.write(`saves that one damage took at most: ${tally.cutSavesMax}\n`);
  for (const failure of tally.failures) process.stdout.write(`WRONG ${failure}\n`);
  return tally.failures.length === 0 ? 0 : 1;
}

async function campaignOf(chosen: Mode, firstSeed: number): Promise<Tally> {
  const trials = Number(values.flips) * 1.25;
  const host = await compileHost();
  try {
    return await campaign({
      host: host.path,
      mode: chosen,
      mix: "flips",
      firstSeed,
      seeds: Math.ceil(trials / trialsPerSeed),
      trialsPerSeed,
      processes: Number(values.processes),
      limitMs: Number(values.minutes ?? Number.POSITIVE_INFINITY) * 60_000,
    });
  } finally {
    await host.remove();
  }
}
