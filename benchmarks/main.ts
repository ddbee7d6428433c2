// npm run bench: kvorum and redis-server in alternation on this machine; prints tables, writes the results.

import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { RawClient } from "../test/support/raw-client.ts";
import { type Case, columns, defaultList, type SystemName, systemNames } from "./cases.ts";
import { writeChart } from "./chart.ts";
import { measureFlatness } from "./flatness.ts";
import { type Footprint, measureFootprint } from "./footprint.ts";
import { fillings, measureMemory } from "./memory.ts";
import { flatnessReport, type MemoryRow, memoryReport, report } from "./report.ts";
import { environment, type Results, writeResults } from "./results.ts";
import { measureSpeed, type Speed, type SpeedPlan } from "./speed.ts";
import { type System, startSystem, Workspace } from "./systems.ts";

const usage = `Usage: npm run bench -- [options]
  --quick        shorter runs, no memory and restart, nothing written; about two minutes
  --all          every test of redis-benchmark's default list that kvorum knows, too
  --rounds N     alternations (default 3)
  --seconds N    length of one run of redis-benchmark (default 2, quick 0.5)
  --memory       instead: resident memory of one node and of Redis, for values of several sizes
  --flat         instead: what one operation costs in a state of 10 thousand to 10 million keys
  --keys N       keys for memory and restart (default 1000000)
  --only NAME    one column only, such as "SET c50 P16" or "PING c50"; nothing written
  --no-three     leave both three-node clusters out (quorum reads and lease reads); nothing written
`;

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    rounds: { type: "string", default: "3" },
    seconds: { type: "string" },
    keys: { type: "string", default: "1000000" },
    only: { type: "string" },
    memory: { type: "boolean", default: false },
    flat: { type: "boolean", default: false },
    "no-three": { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

const progress = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

if (values.help) process.stdout.write(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  if (values.flat) {
    process.stdout.write(`${flatnessReport(measureFlatness(progress))}\n`);
    return 0;
  }
  for (const tool of ["redis-server", "redis-benchmark"]) {
    if (spawnSync(tool, ["--version"]).error === undefined) continue;
    progress(
      `${tool} is not installed: the benchmark compares with it (Debian: redis-server, redis-tools)`,
    );
    return 1;
  }
  const workspace = new Workspace();
  try {
    if (values.memory) {
      process.stdout.write(`${memoryReport(await measureMemories(workspace))}\n`);
      return 0;
    }
    const results = await run(workspace);
    process.stdout.write(`${report(results)}\n`);
    const partial = values.quick || values.only !== undefined || values["no-three"];
    if (!partial) progress(`written: ${writeResults(results)}, ${writeChart(results)}`);
    return 0;
  } finally {
    workspace.remove();
  }
}

async function run(workspace: Workspace): Promise<Results> {
  const at = environment();
  const rounds = Number(values.rounds);
  const seconds = Number(values.seconds ?? (values.quick ? 0.5 : 2));
  const plan: SpeedPlan = { rounds, seconds, progress };
  const cases = columns.filter(({ name }) => values.only === undefined || name === values.only);
  if (cases.length === 0) throw new Error(`no column is called ${values.only}`);
  const names: readonly SystemName[] = values["no-three"] ? ["redis", "one"] : systemNames;
  const speeds = await withSystems(names, workspace, (systems) =>
    measureSpeed(systems, cases, plan),
  );
  return {
    environment: at,
    rounds,
    secondsPerRun: seconds,
    columns: speeds,
    defaultList: values.all ? await measureDefaultList(workspace, plan) : [],
    footprint: values.quick || values.only !== undefined ? {} : await measureFootprints(workspace),
  };
}

/** Every test whose command the node knows; the unknown ones are named, not hidden. */
async function measureDefaultList(workspace: Workspace, plan: SpeedPlan): Promise<Speed[]> {
  return await withSystems(["redis", "one"], workspace, async (systems) => {
    const known: Case[] = [];
    for (const [test, command] of defaultList) {
      if (await knows(systems, command)) known.push({ name: test, test, clients: 50, pipeline: 1 });
      else progress(`${test}: not measured, kvorum has no ${command.toUpperCase()}`);
    }
    return await measureSpeed(systems, known, { ...plan, seconds: plan.seconds / 2 });
  });
}

async function knows(systems: readonly System[], command: string): Promise<boolean> {
  const node = systems.find(({ name }) => name === "one");
  if (node === undefined) return false;
  const client = await RawClient.connect(node.port);
  const reply = await client.ask("COMMAND", "INFO", command);
  client.close();
  return reply.startsWith("*1\r\n*") && !reply.startsWith("*1\r\n*-1");
}

async function measureFootprints(workspace: Workspace) {
  const footprint: Partial<Record<SystemName, Footprint>> = {};
  for (const name of ["redis", "one"] as const) {
    footprint[name] = await withSystems([name], workspace, async ([system]) => {
      progress(`memory and restart: ${name}`);
      return await measureFootprint(system as System, Number(values.keys), 3);
    });
  }
  return footprint;
}

async function measureMemories(workspace: Workspace): Promise<readonly MemoryRow[]> {
  const rows: MemoryRow[] = [];
  for (const filling of fillings) {
    const what = `${filling.keys.toLocaleString("en")} x ${filling.name}`;
    const measured = (name: SystemName) => {
      progress(`memory: ${what}, ${name}`);
      return withSystems([name], workspace, ([system]) => measureMemory(system as System, filling));
    };
    rows.push({ what, redis: await measured("redis"), one: await measured("one") });
  }
  return rows;
}

/** Starts the systems, uses them and stops them, whatever happens. */
async function withSystems<Result>(
  names: readonly SystemName[],
  workspace: Workspace,
  use: (systems: readonly System[]) => Promise<Result>,
): Promise<Result> {
  const systems: System[] = [];
  try {
    for (const name of names) systems.push(await startSystem(name, workspace));
    return await use(systems);
  } finally {
    for (const system of systems) await system.stop();
  }
}
