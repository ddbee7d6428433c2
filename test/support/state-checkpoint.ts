// Steps of tests around checkpoints: directories, stores, random logs, and what must come back.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { type CheckpointLevel, openLevel } from "../../src/state/checkpoint/level.ts";
import {
  type CheckpointStore,
  openCheckpointStore,
  writeCheckpoint,
} from "../../src/state/checkpoint/store.ts";
import type { Machine } from "../../src/state/execution/machine.ts";
import { readRandom, stateOf, type TestLog } from "./state-log.ts";
import { type Dice, someLongWrite, someWrite } from "./state-random.ts";

export const context = { term: 3, membershipIndex: 1, membership: "members \xff\0 as they were" };

export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "kvorum-checkpoint-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

export async function openStore(path: string): Promise<CheckpointStore> {
  const store = await openCheckpointStore(path);
  onTestFinished(() => store.close());
  return store;
}

/** Writes a checkpoint in slices of a few bytes, with something happening at each pause. */
export async function checkpoint(
  store: CheckpointStore,
  log: TestLog,
  between: () => void = () => {},
  sliceBytes = 30_000,
): Promise<number> {
  const pause = async () => between();
  const run = { ...context, pause, sliceBytes };
  const { records } = await writeCheckpoint(store, log.machine, run);
  return records;
}

export type RandomEntry = (log: TestLog, dice: Dice) => void;

const entryOf =
  (write: typeof someWrite): RandomEntry =>
  (log, dice) => {
    log.nowMs += dice.below(6) - 1;
    const rows = Array.from({ length: 1 + dice.below(5) }, () => ({
      words: write(dice, log.nowMs),
      database: dice.below(3),
    }));
    log.run(...rows);
  };

export const randomEntry = entryOf(someWrite);
export const randomLongEntry = entryOf(someLongWrite);

/** What came back can be told from the original by nothing that happens later. */
export function goOnAlike(
  original: TestLog,
  restored: Machine,
  dice: () => Dice,
  goOn: RandomEntry = randomEntry,
): void {
  expect(stateOf(restored)).toEqual(stateOf(original.machine));
  restored.keyspace.check();
  original.machines.push(restored);
  const entries = dice();
  for (let entry = 0; entry < 150; entry++) goOn(original, entries);
  const chances = [dice(), dice()];
  for (let pick = 0; pick < 20; pick++) {
    const picks = chances.map(({ next }, at) =>
      original.machines[at]?.read(readRandom, 0, ["random"], 0, next),
    );
    expect(picks[0]).toBe(picks[1]);
  }
  expect(stateOf(restored)).toEqual(stateOf(original.machine));
  expect(restored.digest).toBe(original.machine.digest);
  original.machines.pop();
}

export async function withLevel<Result>(
  path: string,
  use: (level: CheckpointLevel) => Promise<Result>,
): Promise<Result> {
  const level = await openLevel(path);
  const result = await use(level);
  await level.close();
  return result;
}

/** All of a checkpoint, the meta record first. */
export async function recordsOf(path: string): Promise<[Buffer, Buffer][]> {
  return withLevel(path, (level) => level.iterator().all());
}
