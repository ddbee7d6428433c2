// npm run chaos -- --minutes N --faults kill,pause,...: real processes, real clients, real faults, checked histories.

import { writeFileSync } from "node:fs";
import { runCampaign, sortOut, type Tell, type Unavailable } from "./campaign.ts";
import { catalogue } from "./faults/catalogue.ts";
import { lackOf } from "./machine/abilities.ts";
import { exitOnSignals } from "./machine/cleanup.ts";
import { type Options, readOptions, usage } from "./options.ts";
import { type Failover, failoverTable, measureFailover } from "./run/failover.ts";
import { hungDiskTable, measureHungDisk } from "./run/hung-disk.ts";
import { incrementsTable, isExact, measureIncrements } from "./run/increments.ts";
import { complaints, isGood, resultTable } from "./run/report.ts";
import { measureReturning, returningTable } from "./run/returning.ts";
import { measureSnapshot, snapshotTable } from "./run/snapshot.ts";
import { measureThinLinks, thinLinksTable } from "./run/thin-links.ts";

const print = (text: string) => process.stdout.write(text);
const complain = (text: string) => process.stderr.write(text);

/** Resolves with the exit code: 1 also when a run was void, or a verdict is missing. */
async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    switch (options.task) {
      case "help":
        print(usage);
        return 0;
      case "list":
        print(listOfFaults());
        return 0;
      case "failover":
        return await failover(options);
      case "incr":
        return await increments(options);
      case "snapshot":
        return await snapshot(options);
      case "thin-links":
      case "hung-disk":
      case "returning":
        return await narrowPlace(options, options.task);
      case "run":
        return await run(options);
    }
  } catch (error) {
    complain(`chaos: ${(error as Error).message}\n`);
    return 1;
  }
}

async function run(options: Options): Promise<number> {
  const { possible, unavailable } = sortOut(options.faults);
  for (const { fault, reason } of unavailable) complain(`not available: ${fault} (${reason})\n`);
  if (possible.length === 0) throw new Error("this machine can do none of these faults");
  print(`seed ${options.seed}, faults: ${possible.map(({ name }) => name).join(" ")}\n`);
  const results = await runCampaign(options, possible, onTerminal);
  print(`\n${resultTable(results)}`);
  save(options, { seed: options.seed, unavailable, results });
  return results.every(isGood) ? 0 : 1;
}

const onTerminal: Tell = {
  progress,
  result(result, history) {
    progress("");
    print(`${isGood(result) ? "good" : "BAD "} ${result.name}: ${result.operations} operations\n`);
    print(complaints(result));
    if (history !== null) print(`  history: ${history}\n`);
  },
};

/** On a terminal one line that changes; elsewhere nobody watches. */
function progress(line: string): void {
  if (process.stdout.isTTY) print(`\r\u001b[K${line}`);
}

const leaderLosses = ["kill-leader", "pause-leader", "isolate-leader"];

function possibleLosses() {
  const sorted = sortOut(catalogue.filter(({ name }) => leaderLosses.includes(name)));
  for (const { fault, reason } of sorted.unavailable) {
    complain(`not available: ${fault} (${reason})\n`);
  }
  return sorted;
}

async function increments(options: Options): Promise<number> {
  const { possible, unavailable } = possibleLosses();
  const result = await measureIncrements(possible, options.nodes, options.seed, progress);
  progress("");
  print(incrementsTable(result));
  save(options, { seed: options.seed, unavailable, increments: result });
  return isExact(result) ? 0 : 1;
}

async function failover(options: Options): Promise<number> {
  const { possible, unavailable } = possibleLosses();
  const results: Failover[] = [];
  for (const fault of possible) {
    results.push(await measureFailover(fault, options.nodes, options.seed, progress));
  }
  progress("");
  print(failoverTable(results));
  save(options, { seed: options.seed, unavailable, failover: results });
  return 0;
}

async function snapshot(options: Options): Promise<number> {
  const result = await measureSnapshot(options.keys, progress);
  progress("");
  print(snapshotTable(result));
  save(options, { seed: options.seed, unavailable: [], snapshot: result });
  return 0;
}

async function narrowPlace(
  options: Options,
  task: "thin-links" | "hung-disk" | "returning",
): Promise<number> {
  const { result, table } = await narrowPlaces[task]();
  progress("");
  print(table);
  save(options, { seed: options.seed, unavailable: [], [task]: result });
  return 0;
}

const narrowPlaces = {
  "thin-links": async () => {
    const result = await measureThinLinks(progress);
    return { result, table: thinLinksTable(result) };
  },
  "hung-disk": async () => {
    const reason = lackOf(["freezing"]);
    if (reason !== null) throw new Error(reason);
    const result = await measureHungDisk(progress);
    return { result, table: hungDiskTable(result) };
  },
  returning: async () => {
    const result = await measureReturning(progress);
    return { result, table: returningTable(result) };
  },
};

interface Saved {
  readonly seed: number;
  readonly unavailable: readonly Unavailable[];
  readonly [what: string]: unknown;
}

function save({ out }: Options, content: Saved): void {
  if (out !== null) writeFileSync(out, `${JSON.stringify(content, null, 2)}\n`);
}

function listOfFaults(): string {
  return catalogue
    .map(({ name, summary, needs }) => {
      const reason = lackOf(needs);
      return `${name.padEnd(20)} ${summary}${reason === null ? "" : ` (not available: ${reason})`}\n`;
    })
    .join("");
}

exitOnSignals();
process.exitCode = await main();
