// Damaged data directories: a start refuses, or has everything that was acknowledged. Nothing else.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { campaign, type Plan } from "./campaign.ts";
import { type CompiledHost, compileHost } from "./compile-host.ts";
import { damageNames } from "./damages.ts";
import { fileKinds } from "./file-kinds.ts";
import type { Tally } from "./tally.ts";
import { headTrials } from "./trial.ts";

let host: CompiledHost;
beforeAll(async () => {
  host = await compileHost();
});
afterAll(() => host.remove());

/** Their newest segments are longer than what is cut off. */
const logs = { mode: "log", firstSeed: 6, seeds: 2 } as const;

/** Of the seeds one has a checkpoint that came from another node, and two have the whole log. */
const mixed = { mix: "even", firstSeed: 1, seeds: 4 } as const;

function trials(plan: Omit<Plan, "host" | "processes">): Promise<Tally> {
  return campaign({ ...plan, host: host.path, processes: 2 });
}

test("a log that is cut off at any byte of its last 4 KiB has whole saves alone, or is refused", async () => {
  const tally = await trials({
    ...logs,
    mix: "tail",
    trialsPerSeed: 2 * (1 + 4096), // After a kill and after an orderly end.
  });
  expect(tally.failures).toEqual([]);
  expect(tally.all.same).toBeGreaterThanOrEqual(2 * 2); // What is not cut at all.
  expect(tally.all.refused).toBeGreaterThanOrEqual(2 * 4095); // All of them after an orderly end.
}, 120_000);

test("any flipped bit in the head of a save is harmless or refused", async () => {
  const tally = await trials({ ...logs, mix: "heads", trialsPerSeed: headTrials });
  expect(tally.failures).toEqual([]);
  expect(tally.all.trials).toBe(2 * headTrials);
  expect(tally.all.refused).toBeGreaterThan(0.7 * tally.all.trials);
}, 120_000);

describe("a start on a damaged directory", () => {
  test("has the acknowledged state or refuses in a line, for every kind of file and damage", async () => {
    const tally = await trials({ ...mixed, mode: "start", trialsPerSeed: 520 });
    expect(tally.failures).toEqual([]);
    expect(tally.all.trials).toBe(2_080);
    for (const kind of fileKinds) {
      const { trials: count } = tally.ofKind(kind);
      expect(count, kind).toBeGreaterThan(40);
    }
    for (const name of damageNames) {
      const { trials: count, refused } = tally.ofDamage(name);
      expect(count, name).toBeGreaterThan(300);
      expect(refused, name).toBeGreaterThan(50);
    }
  }, 120_000);

  test("serves clients the acknowledged keys in their order, or does not serve", async () => {
    const tally = await trials({ ...mixed, mode: "serving", trialsPerSeed: 12 });
    expect(tally.failures).toEqual([]);
    expect(tally.all.same).toBeGreaterThan(5);
    expect(tally.all.refused).toBeGreaterThan(5);
  }, 120_000);
});

test("a running node whose files are damaged answers right, and its next start does or refuses", async () => {
  const tally = await trials({ ...mixed, mode: "running", trialsPerSeed: 12 });
  expect(tally.failures).toEqual([]);
  expect(tally.all.same).toBeGreaterThan(5);
  expect(tally.all.refused).toBeGreaterThan(5);
}, 120_000);
