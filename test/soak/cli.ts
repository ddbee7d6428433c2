// npm run soak -- --minutes N: one real node at its memory limit, for a long time. With --refill N: filled and emptied.

import { parseArgs } from "node:util";
import { refill, refillBytesMax } from "./refill.ts";
import { soak } from "./soak.ts";
import type { Sample } from "./watch.ts";

const usage = `Usage: npm run soak -- [options]
  --minutes N  mixed load on a node of 256 MB with eviction (default 1)
  --refill N   instead: a node of 384 MB is filled until it refuses and emptied again, N times
  --seed N     decides what clients ask (default: from the clock)
`;

const lineSeconds = 5;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    refill: { type: "string" },
    seed: { type: "string", default: String(Date.now() % 2 ** 20) },
    help: { type: "boolean", short: "h", default: false },
  },
});

const print = (line: string) => process.stdout.write(`${line}\n`);
const mb = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(0)} MB`;
const ms = (time: number) => `${time.toFixed(0)} ms`;

async function longSoak(seed: number): Promise<boolean> {
  let since: Sample[] = [];
  const report = await soak({
    seconds: 60 * Number(values.minutes),
    seed,
    told: (sample, requests) => {
      since.push(sample);
      if (sample.second % lineSeconds !== 0) return;
      const resident = Math.max(...since.map(({ residentBytes }) => residentBytes));
      const longest = Math.max(...since.map(({ longestMs }) => longestMs));
      const { second, usedBytes, keys } = sample;
      const memory = `resident ${mb(resident)}, used ${mb(usedBytes)}`;
      print(`${second} s: ${memory}, ${keys} keys, ${requests} requests, wait ${ms(longest)}`);
      since = [];
    },
  });
  const [middle, last] = report.residentBytes;
  print(
    `requests ${report.requests}, flushes ${report.flushes}, checkpoints ${report.checkpoints}`,
  );
  print(`resident: middle third ${mb(middle)}, last third ${mb(last)}`);
  print(`keys ${report.keys[0]}, after a restart ${report.keys[1]}`);
  print(`longest wait of another client ${ms(report.longestMs)}`);
  for (const fault of report.faults) print(`WRONG ${fault}`);
  return report.faults.length === 0;
}

async function longRefill(rounds: number, seed: number): Promise<boolean> {
  const done = await refill({
    rounds,
    seed,
    told: ({ round, keys, usedBytes, residentBytes, ownBytes, longestMs }) => {
      const resident = `resident at most ${mb(residentBytes)}, ${mb(ownBytes)} without files`;
      const memory = `used ${mb(usedBytes)}, ${resident}`;
      print(`round ${round}: ${keys} keys, ${memory}, longest wait ${ms(longestMs)}`);
    },
  });
  const most = done.at(-1)?.ownBytes ?? 0;
  if (most > refillBytesMax) print(`WRONG the process has held ${mb(most)}`);
  return most <= refillBytesMax;
}

async function main(): Promise<number> {
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const seed = Number(values.seed);
  print(`seed ${seed}`);
  const isGood =
    values.refill === undefined
      ? await longSoak(seed)
      : await longRefill(Number(values.refill), seed);
  return isGood ? 0 : 1;
}

process.exitCode = await main();
