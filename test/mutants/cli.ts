// npm run mutants: hunts every planted bug from seed 1 on, and writes down how many seeds it took.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { root } from "../support/process-server.ts";
import { type Caught, caughtPath, readCaught, summary } from "./caught.ts";
import { hunt, seedsOf } from "./hunt.ts";
import type { Mutant } from "./mutant.ts";
import { mutants } from "./mutants.ts";
import { Program } from "./program.ts";
import { unseenMutants } from "./unseen-mutants.ts";

const usage = `Usage: npm run mutants -- [options]
  --only WORDS   mutants with these words in their name; the others keep their row of the table
  --new          mutants without a row in the table
  --seeds N      give up after so many (default 5000)
  --threads N    mutants at a time (default 1)
  --unseen       those that no simulation is known to see; the table stays as it is
`;

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    new: { type: "boolean", default: false },
    seeds: { type: "string", default: "5000" },
    threads: { type: "string", default: "1" },
    unseen: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (values.help) say(usage);
else process.exitCode = await main();

async function main(): Promise<number> {
  const known = new Set((await readCaught()).map(({ name }) => name));
  const chosen = (values.unseen ? unseenMutants : mutants).filter(
    ({ name }) => name.includes(values.only) && !(values.new && known.has(name)),
  );
  const program = await Program.compile(chosen);
  const found = new Map<string, Caught | null>();
  try {
    const waiting = [...chosen];
    const serve = async (): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        found.set(next.name, await measure(program, next));
      }
    };
    await Promise.all(Array.from({ length: Number(values.threads) }, serve));
  } finally {
    await program.remove();
  }
  return await conclude(found);
}

async function measure(program: Program, mutant: Mutant): Promise<Caught | null> {
  const { name, run } = mutant;
  const began = performance.now();
  const caught = await hunt(program, mutant, { run, seeds: seedsOf(1, Number(values.seeds)) });
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const outcome = caught === null ? "NOT CAUGHT" : `seed ${caught.seed}: ${caught.invariant}`;
  say(`${name} (${run}, ${seconds} s)\n  ${outcome}`);
  return caught === null ? null : { name, run, seeds: caught.seed, invariant: caught.invariant };
}

/** Writes the table. Exit code 1 when a mutant lives. */
async function conclude(found: ReadonlyMap<string, Caught | null>): Promise<number> {
  const known = new Map((await readCaught()).map((row) => [row.name, row]));
  const rows = mutants.flatMap(({ name }) => found.get(name) ?? known.get(name) ?? []);
  if (!values.unseen) {
    await writeFile(join(root, caughtPath), `${JSON.stringify(rows, null, 2)}\n`);
    say(summary(rows));
  }
  const alive = [...found].filter(([, caught]) => caught === null).map(([name]) => name);
  for (const name of alive) say(`no seed sees it: ${name}`);
  return alive.length > 0 ? 1 : 0;
}
