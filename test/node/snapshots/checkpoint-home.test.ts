// How a start opens the checkpoint: marked while it may die of it, and probed after it did.

import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { CheckpointHome } from "../../../src/node/snapshots/checkpoint-home.ts";
import type { Probe } from "../../../src/node/snapshots/probe.ts";
import { CheckpointError } from "../../../src/state/checkpoint/level.ts";
import { metaKey } from "../../../src/state/checkpoint/meta.ts";
import { openCheckpointStore } from "../../../src/state/checkpoint/store.ts";
import { checkpoint, temporaryDirectory, withLevel } from "../../support/state-checkpoint.ts";
import { newMachine, stateOf, TestLog } from "../../support/state-log.ts";

const markOf = (path: string): string => join(path, "checkpoint-loading");

/** A data directory with a checkpoint, as far as one is needed. */
async function withCheckpoint(): Promise<{ path: string; log: TestLog }> {
  const path = await temporaryDirectory();
  const log = new TestLog();
  log.run({ words: ["set", "a", "1"] });
  mkdirSync(join(path, "checkpoint"));
  const store = await openCheckpointStore(join(path, "checkpoint"));
  await checkpoint(store, log);
  await store.close();
  return { path, log };
}

const neverAsked: Probe = () => Promise.reject(new Error("there was no reason to probe"));

async function openHome(path: string, machine = newMachine(), probe = neverAsked) {
  const found = await CheckpointHome.open(path, machine, { probe });
  if (!("deadly" in found)) onTestFinished(() => found.home.close());
  return found;
}

describe("the mark of a load", () => {
  test("is there while the machine is filled, and gone afterwards", async () => {
    const { path, log } = await withCheckpoint();
    const machine = newMachine();
    const seen: boolean[] = [];
    const restore = machine.restore.bind(machine);
    machine.restore = (position) => {
      seen.push(existsSync(markOf(path)));
      restore(position);
    };
    expect(await openHome(path, machine)).toMatchObject({ checkpoint: { appliedIndex: 1 } });
    expect(stateOf(machine)).toEqual(stateOf(log.machine));
    expect(seen).toEqual([true]);
    expect(readdirSync(path)).toEqual(["checkpoint"]);
  });

  test("is gone after a refusal in words: the next start says the same", async () => {
    const { path } = await withCheckpoint();
    await withLevel(join(path, "checkpoint"), (level) => level.del(metaKey));
    for (let start = 1; start <= 2; start += 1) {
      await expect(openHome(path)).rejects.toThrow(CheckpointError);
      expect(existsSync(markOf(path))).toBe(false);
    }
  });
});

describe("a start that finds the mark", () => {
  test("probes the checkpoint that counts while nobody has it open, and goes on when that is outlived", async () => {
    const { path, log } = await withCheckpoint();
    writeFileSync(markOf(path), "");
    const machine = newMachine();
    const probed: string[] = [];
    await openHome(path, machine, async (directory) => {
      probed.push(directory);
      await (await openCheckpointStore(directory)).close();
      return null;
    });
    expect(probed).toEqual([join(path, "checkpoint")]);
    expect(stateOf(machine)).toEqual(stateOf(log.machine));
    expect(existsSync(markOf(path))).toBe(false);
  });

  test("leaves mark and checkpoint alone when the probe dies, so that the next start probes again", async () => {
    const { path, log } = await withCheckpoint();
    writeFileSync(markOf(path), "");
    for (let start = 1; start <= 2; start += 1) {
      const machine = newMachine();
      const found = await openHome(path, machine, () => Promise.resolve("SIGABRT"));
      const directory = join(path, "checkpoint");
      expect(found).toEqual({ deadly: { directory, signal: "SIGABRT" } });
      expect(stateOf(machine)).not.toEqual(stateOf(log.machine));
      expect(existsSync(markOf(path))).toBe(true);
    }
  });
});
