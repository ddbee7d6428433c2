// Long values in checkpoints: their parts are written as they were, once, and go when nobody names them any more.

import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  type CheckpointStore,
  openCheckpointStore,
  writeCheckpoint,
} from "../../../src/state/checkpoint/store.ts";
import { StagedCheckpoint } from "../../../src/state/checkpoint/transfer.ts";
import type { Machine } from "../../../src/state/execution/machine.ts";
import {
  checkpoint,
  context,
  goOnAlike,
  openStore,
  randomLongEntry,
  recordsOf,
  temporaryDirectory,
} from "../../support/state-checkpoint.ts";
import { newMachine, stateOf, TestLog } from "../../support/state-log.ts";
import { Dice } from "../../support/state-random.ts";

/** Another machine, from the newest checkpoint. */
async function restoredFrom(store: CheckpointStore, seed = 0): Promise<Machine> {
  const machine = newMachine(seed);
  await store.load(machine);
  machine.keyspace.check();
  return machine;
}

/** Another machine, as a snapshot brings it to another node. */
async function sentFrom(store: CheckpointStore, seed = 0): Promise<Machine> {
  const view = await store.view();
  if (view === null) throw new Error("there is a checkpoint");
  const directory = join(await temporaryDirectory(), "staging");
  const staged = await StagedCheckpoint.create(directory, view.metaBytes);
  onTestFinished(() => staged.close());
  for (let after: Buffer | null = null; ; ) {
    const part = await view.read(after, 50_000);
    if (part === null) break;
    expect(await staged.append(part.chunk)).toBeNull();
    after = part.last;
  }
  const machine = newMachine(seed);
  expect(await staged.finish(machine)).toBeNull();
  await view.close();
  return machine;
}

/** How many parts lie there, whoever they belong to. */
async function partsIn(path: string): Promise<number> {
  return (await recordsOf(path)).filter(([key]) => key.toString("latin1", 0, 1) === "p").length;
}

/** Parts that the long values of a state have; zero when none is long. */
function partsOf(machine: Machine): number {
  let parts = 0;
  for (const database of machine.keyspace.databases) {
    for (const partition of database.filledPartitions()) {
      for (let at = 0; at < partition.size; at++) {
        const { length } = partition.value(at);
        if (length > 16 * 1024) parts += Math.ceil(length / (64 * 1024));
      }
    }
  }
  return parts;
}

describe("long values in a checkpoint", () => {
  it("are those of the entry at which it began, whatever is done to them while it is written", async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const store = await openStore(await temporaryDirectory());
      const log = new TestLog();
      const dice = new Dice(seed);
      for (let round = 0; round < 5; round++) {
        for (let entry = dice.below(30); entry > 0; entry--) randomLongEntry(log, dice);
        const before = stateOf(log.machine);
        const between = () => {
          for (let entry = dice.below(3); entry > 0; entry--) randomLongEntry(log, dice);
        };
        await checkpoint(store, log, between, 1 + dice.below(dice.below(2) === 0 ? 300 : 100_000));
        expect(stateOf(await restoredFrom(store, seed))).toEqual(before);
        expect(stateOf(await sentFrom(store, seed))).toEqual(before);
      }
    }
  }, 60_000);

  it("go on alike on machines that came from the disk or from another node at any time", async () => {
    for (let seed = 11; seed <= 12; seed++) {
      const dice = new Dice(seed);
      let log = new TestLog();
      const store = await openStore(await temporaryDirectory());
      for (let round = 0; round < 3; round++) {
        for (let entry = 0; entry < 30; entry++) randomLongEntry(log, dice);
        await checkpoint(store, log, () => {}, 1 + dice.below(5_000));
        const sent = await sentFrom(store, seed);
        goOnAlike(log, sent, () => new Dice(seed), randomLongEntry);
        await checkpoint(store, log);
        // From here on the restarted node goes on, with the same directory.
        const restarted = await restoredFrom(store, seed);
        expect(restarted.digest).toBe(log.machine.digest);
        const next = new TestLog([restarted], log);
        goOnAlike(next, log.machine, () => new Dice(seed), randomLongEntry);
        log = next;
      }
    }
  }, 60_000);

  it("cost what changed: one byte of 1 MiB costs one part", async () => {
    const store = await openStore(await temporaryDirectory());
    let log = new TestLog();
    const megabyte = 1024 * 1024;
    log.run(["set", "a", "v".repeat(megabyte)], ["set", "b", "v".repeat(megabyte)]);
    let bytes = 0;
    const wrote = (more: number) => {
      bytes += more;
    };
    const written = async () => {
      bytes = 0;
      await writeCheckpoint(store, log.machine, { ...context, pause: async () => {}, wrote });
      return bytes;
    };
    expect(await written()).toBeGreaterThan(4 * megabyte);
    const part = 64 * 1024;
    for (const at of [0, 300_000, megabyte - 1, megabyte]) {
      // In the redo file and in LevelDB; at the end of a whole block a new part begins.
      log.run(["setrange", "a", String(at), "x"]);
      const cost = await written();
      expect(cost).toBeLessThan(2 * part + 2_000);
      if (at < megabyte) expect(cost).toBeGreaterThan(2 * part);
      else expect(cost).toBeLessThan(2_000);
    }
    log.run(["rename", "a", "2", "c"], ["rename", "b", "0", "d"], ["swapdb", "0", "2"]);
    expect(await written()).toBeLessThan(2_000);
    log.run(["setrange", "new", String(40 * megabyte), "x"]);
    expect(await written()).toBeLessThan(100_000); // Zeros cost nothing but a key for each part.
    const restarted = await restoredFrom(store);
    expect(stateOf(restarted)).toEqual(stateOf(log.machine));
    log = new TestLog([restarted], log);
    log.run(["rename", "c", "0", "e"], { words: ["setrange", "d", "7", "x"], database: 2 });
    const cost = await written();
    expect(cost).toBeLessThan(2 * part + 2_000);
    expect(cost).toBeGreaterThan(2 * part);
    expect(stateOf(await restoredFrom(store))).toEqual(stateOf(restarted));
  });

  const long = "l".repeat(300_000);
  it.each<[string, string[][]]>([
    ["deleted", [["del", "k"]]],
    ["renamed", [["rename", "k", "0", "other"]]],
    ["moved and deleted", [["rename", "k", "1", "k"], ["flushdb"]]],
    ["overwritten", [["set", "k", "short"]]],
    ["overwritten by another long one", [["set", "k", "m".repeat(200_000)]]],
    ["renamed onto another long one", [["rename", "k", "0", "long"]]],
    ["overwritten by another long one's name", [["rename", "long", "0", "k"]]],
    ["flushed", [["flushdb"], ["set", "new", long]]],
    ["swapped and flushed", [["swapdb", "0", "1"], ["flushdb"], ["swapdb", "0", "1"], ["flushdb"]]],
    ["flushed and given back", [["flushdb"], ...new Array<string[]>(20).fill(["set", "new", "v"])]],
    [
      "changed in every part",
      [0, 1, 2, 3, 4].map((at) => ["setrange", "k", `${at * 65_536}`, "x"]),
    ],
    ["made longer", [["setrange", "k", "400000", "x"]]],
    [
      "made longer and deleted",
      [
        ["setrange", "k", "400000", "x"],
        ["del", "k"],
      ],
    ],
    [
      "copied and changed",
      [
        ["copy", "k", "1", "k"],
        ["setrange", "k", "0", "x"],
      ],
    ],
    ["dead", [["expireat", "k", "1"]]],
  ])(
    "are written as they were when one is %s while its parts are still to be written",
    async (_, words) => {
      // After each number of slices, the record and some of its parts are written already.
      for (let slices = 0; slices < 8; slices++) {
        const path = await temporaryDirectory();
        const store = await openCheckpointStore(path);
        const log = new TestLog();
        log.run(["set", "k", long], ["set", "long", "n".repeat(100_000)]);
        if (slices % 2 === 0) {
          await checkpoint(store, log);
          log.run(["setrange", "k", "10", "y"], ["setrange", "k", "290000", "y".repeat(9_000)]);
        }
        const before = stateOf(log.machine);
        let left = slices;
        const change = () => {
          if (left-- !== 0) return;
          log.run(...words);
          log.nowMs += 1;
          log.tick();
        };
        await checkpoint(store, log, change, 1);
        expect(stateOf(await restoredFrom(store))).toEqual(before);
        if (left >= 0) log.run(...words);
        await checkpoint(store, log);
        const restored = await restoredFrom(store);
        expect(stateOf(restored)).toEqual(stateOf(log.machine));
        while (log.machine.keyspace.reclaim(100)) {}
        await checkpoint(store, log);
        expect(stateOf(await restoredFrom(store))).toEqual(stateOf(log.machine));
        await store.close();
        expect(await partsIn(path)).toBe(partsOf(log.machine));
      }
    },
  );
});

/** All keys of `randomLongEntry`, one after the other or a database at once. */
function deleteAll(log: TestLog, dice: Dice): void {
  for (const database of [0, 1, 2]) {
    if (dice.below(2) === 0) log.run({ words: ["flushdb"], database });
    else for (let nth = 0; nth < 12; nth++) log.run({ words: ["del", `k${nth}`], database });
  }
}

describe("of long values that are gone", () => {
  it("nothing stays on the disk after the next checkpoint", async () => {
    for (let seed = 21; seed <= 22; seed++) {
      const path = await temporaryDirectory();
      const log = new TestLog();
      const dice = new Dice(seed);
      for (let round = 0; round < 4; round++) {
        const store = await openCheckpointStore(path);
        for (let entry = dice.below(30); entry > 0; entry--) randomLongEntry(log, dice);
        await checkpoint(store, log, () => randomLongEntry(log, dice), 40_000);
        while (log.machine.keyspace.reclaim(100)) {}
        await checkpoint(store, log);
        await store.close();
        expect(await partsIn(path)).toBe(partsOf(log.machine));
      }
    }
  });

  it("nothing stays either when a restart comes before the memory of a flushed database is given back", async () => {
    const path = await temporaryDirectory();
    const store = await openCheckpointStore(path);
    const log = new TestLog();
    const row = (_: unknown, nth: number) => ["set", `k${nth}`, "v".repeat(70_000)];
    log.run(...Array.from({ length: 20 }, row));
    await checkpoint(store, log);
    log.run(["flushdb"]);
    await checkpoint(store, log);
    await store.close();
    expect(await partsIn(path)).toBeGreaterThan(20); // Their owners are gone, and known to be.

    const again = await openCheckpointStore(path);
    const restarted = await restoredFrom(again);
    expect(stateOf(restarted)).toEqual(stateOf(log.machine));
    expect(restarted.keyspace.memory.arena.pageBytes).toBe(
      newMachine().keyspace.memory.arena.pageBytes,
    );
    const next = new TestLog([restarted], log);
    next.run(["set", "new", "v".repeat(70_000)]);
    await checkpoint(again, next);
    expect(stateOf(await restoredFrom(again))).toEqual(stateOf(restarted));
    await again.close();
    expect((await recordsOf(path)).map(([key]) => key.toString("latin1", 0, 1))).toEqual([
      ..."moppqr",
    ]);
  });

  it("nothing stays in memory, whoever still read them when they went", async () => {
    for (let seed = 31; seed <= 33; seed++) {
      const { keyspace } = await emptiedMachine(seed);
      expect(keyspace.memory.arena.pageBytes).toBe(newMachine().keyspace.memory.arena.pageBytes);
      expect(keyspace.disk.parts).toBe(0);
    }
  });
});

/** A machine with a life behind it, from which everything was deleted, in the middle of a checkpoint too. */
async function emptiedMachine(seed: number): Promise<Machine> {
  const store = await openStore(await temporaryDirectory());
  const log = new TestLog();
  const dice = new Dice(seed);
  const goOn = () => randomLongEntry(log, dice);
  for (let round = 0; round < 3; round++) {
    for (let entry = 0; entry < 20; entry++) goOn();
    await checkpoint(store, log, goOn, 1 + dice.below(100_000));
  }
  for (let entry = 0; entry < 20; entry++) goOn();
  let slices = dice.below(5);
  const between = () => {
    if (slices-- === 0) deleteAll(log, dice);
  };
  await checkpoint(store, log, between, 1_000);
  for (let database = 0; database < 16; database++) log.run({ words: ["flushdb"], database });
  while (log.machine.keyspace.reclaim(100)) {}
  await checkpoint(store, log);
  return log.machine;
}
