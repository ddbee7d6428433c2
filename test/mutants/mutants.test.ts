// Planted bugs of the source: each is seen by the simulations, and the source as it is passes the same seeds.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root } from "../support/process-server.ts";
import { readCaught, summary } from "./caught.ts";
import { hunt, seedsOf } from "./hunt.ts";
import { mutate, type Run } from "./mutant.ts";
import { mutants } from "./mutants.ts";
import { Program } from "./program.ts";
import { unseenMutants } from "./unseen-mutants.ts";

/** A hunt begins so many seeds before the one that is known to see the mutant, ... */
const seedsBefore = 2;
/** ... and goes on behind it so far, because any change of the source moves what happens in a seed. */
const seedsBehind = 300;

const caught = await readCaught();
const byName = new Map(caught.map((row) => [row.name, row]));

let program: Program;

beforeAll(async () => {
  program = await Program.compile(mutants);
}, 120_000);

afterAll(async () => {
  await program.remove();
});

/** Seeds that were run with a mutant, the one that has seen it included. */
const used: Record<Run, Set<number>> = { core: new Set(), cluster: new Set(), leases: new Set() };

describe.concurrent("a planted bug is seen", () => {
  for (const mutant of mutants) {
    const { name, why, run } = mutant;
    const known = byName.get(name)?.seeds ?? 1;
    test(`${name} (${why}): by seed ${known}`, { timeout: 600_000 }, async () => {
      const seeds = seedsOf(Math.max(1, known - seedsBefore), known + seedsBehind);
      const found = await hunt(program, mutant, { run, seeds });
      expect(found, `seeds ${seeds[0]} to ${seeds.at(-1)} see nothing`).not.toBeNull();
      for (const seed of seeds) if (seed <= (found?.seed ?? 0)) used[run].add(seed);
    });
  }
});

describe("the source as it is passes the seeds that have seen a bug", () => {
  const runs = new Set(mutants.map(({ run }) => run));
  test.each([...runs])("%s", { timeout: 600_000 }, async (run) => {
    const seeds = [...used[run]];
    expect(seeds.length).toBeGreaterThan(0);
    expect(await hunt(program, null, { run, seeds })).toBeNull();
  });
});

test("every bug was measured from seed 1 on: half of them within 200 seeds, all within 5,000", () => {
  expect(mutants.map(({ name }) => name)).toEqual(caught.map(({ name }) => name));
  expect(new Set(byName.keys()).size).toBe(mutants.length);
  expect(mutants.length).toBeGreaterThanOrEqual(25);
  const seeds = caught.map((row) => row.seeds).toSorted((a, b) => a - b);
  expect(seeds[Math.floor(seeds.length / 2)], summary(caught)).toBeLessThanOrEqual(200);
  expect(seeds.at(-1), summary(caught)).toBeLessThanOrEqual(5_000);
});

test("bugs that no simulation sees can still be planted", async () => {
  for (const mutant of unseenMutants) {
    const source = await readFile(join(root, mutant.file), "utf8");
    expect(mutate(mutant, source), mutant.name).not.toBe(source);
  }
});

test("a mutant that no longer applies fails with words", async () => {
  const [mutant] = mutants;
  if (mutant === undefined) throw new Error("there are mutants");
  const gone = { ...mutant, find: "what nobody wrote" };
  await expect(Program.compile([gone])).rejects.toThrow("no longer applies");
  await expect(Program.compile([{ ...mutant, find: "\n" }])).rejects.toThrow("places that read");
});
