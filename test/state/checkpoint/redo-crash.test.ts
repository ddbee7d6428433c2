// A checkpoint with a crash or an error at every step: afterwards it is the one before or the new one, never a mixture.

import { describe, expect, it } from "vitest";
import type { Files } from "../../../src/disk.ts";
import { CheckpointError } from "../../../src/state/checkpoint/level.ts";
import type { CheckpointMeta } from "../../../src/state/checkpoint/meta.ts";
import {
  type CheckpointStore,
  openCheckpointStore,
  writeCheckpoint,
} from "../../../src/state/checkpoint/store.ts";
import type { Machine } from "../../../src/state/execution/machine.ts";
import { LevelModel } from "../../support/level-model.ts";
import { SimulatedDisk } from "../../support/log-disk.ts";
import { type Random, seeded } from "../../support/log-random.ts";
import { context, randomEntry } from "../../support/state-checkpoint.ts";
import { collector, newMachine, stateOf, TestLog } from "../../support/state-log.ts";
import { Dice } from "../../support/state-random.ts";

const directory = "/data/checkpoint";

/** The two parts of one disk: they lose power together. */
class Drive {
  readonly disk: SimulatedDisk;
  readonly level: LevelModel;

  constructor(disk: SimulatedDisk, level: LevelModel) {
    this.disk = disk;
    this.level = level;
    void disk.died.then(() => level.powerOff());
    void level.died.then(() => disk.powerOff());
  }

  open(files: Files = this.disk): Promise<CheckpointStore> {
    return openCheckpointStore(directory, { files, open: async () => this.level.asLevel });
  }

  after(end: "power cut" | "kill"): Drive {
    const { disk, level } = this;
    return end === "kill"
      ? new Drive(disk.afterKill(), level.afterKill())
      : new Drive(disk.afterPowerCut(), level.afterPowerCut());
  }

  get operations(): number {
    return this.disk.operations + this.level.writes;
  }

  /** The power goes off in the middle of that operation, be it of a file or of LevelDB. */
  dieAfter(operations: number, random: Random): void {
    if (random.chance(0.5)) this.disk.dieAfter(operations);
    else this.level.dieAfter(operations);
  }

  /** False when the power goes off first. */
  outlives(work: Promise<unknown>): Promise<boolean> {
    const dies = this.disk.died.then(() => false);
    return Promise.race([work.then(() => true), dies]);
  }
}

/** A log, its first checkpoint on a drive, and changes of all kinds since: values of several chunks among them. */
async function begin(
  seed: number,
): Promise<{ drive: Drive; log: TestLog; dice: Dice; states: Map<number, unknown> }> {
  const random = seeded(seed);
  const drive = new Drive(new SimulatedDisk(random), new LevelModel(random));
  const log = new TestLog();
  const dice = new Dice(seed);
  const states = new Map<number, unknown>();
  for (let entry = 0; entry < 20; entry++) randomEntry(log, dice);
  log.run(...Array.from({ length: 30 }, (_, nth) => ["set", `old${nth}`, "v".repeat(500)]));
  const store = await drive.open();
  states.set(0, stateOf(newMachine()));
  await write(store, log, states);
  for (let entry = 0; entry < 20; entry++) randomEntry(log, dice);
  log.run(
    { words: ["flushdb"], database: dice.below(3) },
    ["set", "large", "l".repeat(300_000)],
    ["set", "some", "s".repeat(70_000)],
    ...Array.from({ length: 40 }, (_, nth) => ["set", `new${nth}`, "w".repeat(5_000)]),
    ["del", "old1"],
    ["del", "old2"],
  );
  return { drive, log, dice, states };
}

/** Notes the state of the checkpoint under its index. */
function write(
  store: CheckpointStore,
  log: TestLog,
  states: Map<number, unknown>,
  between: () => void = () => {},
): Promise<unknown> {
  states.set(log.machine.appliedIndex, stateOf(log.machine));
  const pause = async () => between();
  return writeCheckpoint(store, log.machine, { ...context, pause, sliceBytes: 20_000 });
}

interface Recovered {
  readonly store: CheckpointStore;
  readonly machine: Machine;
  readonly meta: CheckpointMeta | null;
}

async function recover(drive: Drive): Promise<Recovered> {
  const store = await drive.open();
  const machine = newMachine(7);
  return { store, machine, meta: await store.load(machine) };
}

/** A whole life after the crash: the rest of the log is applied, and one more checkpoint written and read. */
async function goOn({ store, machine }: Recovered, log: TestLog, drive: Drive): Promise<void> {
  for (const entry of log.entries.slice(machine.appliedIndex)) machine.apply(entry, collector());
  expect(stateOf(machine)).toEqual(stateOf(log.machine));
  await writeCheckpoint(store, machine, { ...context, pause: async () => {} });
  expect(drive.disk.paths()).toEqual([]);
  expect(drive.disk.openFiles).toBe(0);
  const { machine: again } = await recover(drive.after("power cut"));
  expect(stateOf(again)).toEqual(stateOf(log.machine));
}

/** The operations of the second checkpoint. */
async function operationsOf(seed: number): Promise<number> {
  const { drive, log, states } = await begin(seed);
  const before = drive.operations;
  await write(await drive.open(), log, states);
  return drive.operations - before;
}

type End = "old" | "new";

interface Life {
  /** Of the checkpoint that a start found. */
  readonly found: End;
  /** The first start after the crash died as well. */
  readonly diedAgain: boolean;
}

/** The second checkpoint dies at this operation, a start after it perhaps too; the next one must find a whole checkpoint. */
async function dieAt(operation: number, seed: number): Promise<Life> {
  const random = seeded(seed * 1_000 + operation);
  const { drive, log, dice, states } = await begin(seed);
  const store = await drive.open();
  const oldest = Math.max(...states.keys());
  drive.dieAfter(operation, random);
  const between = () => randomEntry(log, dice);
  const isWritten = await drive.outlives(write(store, log, states, between));
  const newest = Math.max(...states.keys());

  const second = drive.after(random.chance(0.5) ? "kill" : "power cut");
  // Soon: a start that has no redo file to take in does no more than remove, sync and list.
  second.dieAfter(random.integer(6), random);
  const diedAgain = !(await second.outlives(recover(second)));

  const third = second.after(random.chance(0.3) ? "kill" : "power cut");
  const recovered = await recover(third);
  expect(third.disk.paths()).toEqual([]);
  const index = recovered.machine.appliedIndex;
  expect([isWritten ? newest : oldest, newest]).toContain(index);
  expect(recovered.meta?.appliedIndex).toBe(index);
  expect(stateOf(recovered.machine)).toEqual(states.get(index));
  await goOn(recovered, log, third);
  return { found: index === newest ? "new" : "old", diedAgain };
}

describe("a checkpoint that a crash cuts off", () => {
  it("at any operation of a file or of LevelDB, and once more at the start after it, is there whole or not at all", async () => {
    const lives: Life[] = [];
    for (let seed = 1; seed <= 5; seed++) {
      const operations = await operationsOf(seed);
      expect(operations).toBeGreaterThan(15);
      for (let at = 0; at <= operations; at++) lives.push(await dieAt(at, seed));
    }
    for (const found of ["old", "new"]) {
      for (const diedAgain of [false, true]) {
        const alike = lives.filter((life) => life.found === found && life.diedAgain === diedAgain);
        expect(alike.length, `${found}, ${diedAgain}`).toBeGreaterThan(2);
      }
    }
  }, 60_000);
});

/** What the disk says in place of an operation; a short write says nothing. */
type Fault = Error | "short write";

/** A disk of which one operation fails, reads included. `operations` counts down to it. */
function failing(disk: SimulatedDisk, fault: Fault, countdown: { operations: number }): Files {
  return new Proxy(disk, {
    get(_, name) {
      const operation = Reflect.get(disk, name, disk) as unknown;
      if (typeof operation !== "function") return operation;
      return (...args: unknown[]) => {
        countdown.operations -= 1;
        if (countdown.operations !== -1) return Reflect.apply(operation, disk, args) as unknown;
        if (fault === "short write") return cutShort(args);
        if (name === "read") throw fault;
        disk.failNext(fault);
        return Reflect.apply(operation, disk, args) as unknown;
      };
    },
  });
}

function cutShort([, , , done]: readonly unknown[]): void {
  if (typeof done === "function") done(null, 1);
}

/** The second checkpoint meets an error; a start after it must find a whole checkpoint. False when it came to an end. */
async function failAt(seed: number, prepare: (drive: Drive) => Files): Promise<boolean> {
  const { drive, log, states } = await begin(seed);
  const oldest = Math.max(...states.keys());
  await drive.open();
  const store = await drive.open(prepare(drive));
  const writing = write(store, log, states);
  const error: unknown = await writing.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error !== null) {
    expect(error).toBeInstanceOf(CheckpointError);
    expect((error as Error).message).toMatch(/^the checkpoint was not written: /);
  }
  const next = drive.after("kill");
  const { machine } = await recover(next);
  const newest = log.machine.appliedIndex;
  expect([error === null ? newest : oldest, newest]).toContain(machine.appliedIndex);
  expect(stateOf(machine)).toEqual(states.get(machine.appliedIndex));
  return error !== null;
}

describe("an error of the disk while a checkpoint is written", () => {
  const noSpace = "ENOSPC: no space left on device, write";
  const ofFiles = [
    Object.assign(new Error(noSpace), { code: "ENOSPC", syscall: "write" }),
    Object.assign(new Error("EIO: i/o error"), { code: "EIO", syscall: "fsync" }),
  ];
  const ofLevel = Object.assign(new Error("IO error: 000007.log: No space left on device"), {
    code: "LEVEL_IO_ERROR",
  });
  /** Operations of the start that is about to write: remove, sync and list. */
  const opening = 3;

  it.each(ofFiles)("is told in words at every operation of a file: $code", async (error) => {
    let failures = 0;
    for (let at = 0; ; at++, failures++) {
      const countdown = { operations: opening + at };
      if (!(await failAt(at, ({ disk }) => failing(disk, error, countdown)))) break;
    }
    expect(failures).toBeGreaterThan(12);
  });

  it("is noticed when it shows as a short write alone", async () => {
    // Behind the opening: create, head, first chunk.
    for (const at of [1, 2]) {
      const countdown = { operations: opening + at };
      const fails = await failAt(at, ({ disk }) => failing(disk, "short write", countdown));
      expect(fails).toBe(true);
    }
  });

  it("is told in words at every write of LevelDB", async () => {
    let failures = 0;
    const prepare = (at: number) => (drive: Drive) => {
      drive.level.failAfter(at, ofLevel);
      return drive.disk;
    };
    for (let at = 0; await failAt(at, prepare(at)); at++) failures++;
    expect(failures).toBeGreaterThan(8);
  });
});
