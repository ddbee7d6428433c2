// Entries wait while a checkpoint that they would change waits for the disk.

import { expect, it } from "vitest";
import { redoWaitingBytesMax } from "../../../src/constants.ts";
import { Applier } from "../../../src/node/replica/applier.ts";
import { asIndex, asTerm, type Entry } from "../../../src/raft/core/types.ts";
import { Checkpoint, type RecordSink } from "../../../src/state/checkpoint/checkpoint.ts";
import { context } from "../../support/state-checkpoint.ts";
import { collector, newMachine, stateOf, TestLog } from "../../support/state-log.ts";

it("entries wait while too much of a checkpoint waits for the disk, and go on when it is there", () => {
  const log = new TestLog();
  const keys = Array.from({ length: 1_000 }, (_, nth) => `k${nth}`);
  log.run(...keys.map((key) => ["set", key, "v".repeat(70_000)]));
  const machine = newMachine(3);
  for (const entry of log.entries) machine.apply(entry, null);
  let longest = 0;
  const sink = {
    waitingBytes: 0,
    put(_, value) {
      sink.waitingBytes += value.length;
      longest = Math.max(longest, sink.waitingBytes);
    },
    del() {},
    clearRange() {},
  } satisfies RecordSink & { waitingBytes: number };
  const checkpoint = new Checkpoint(machine, context, sink);

  // Each changes one byte of a value that is still to be written: 64 KiB and more wait for it.
  for (let from = 0; from < keys.length; from += 250) {
    log.run(...keys.slice(from, from + 250).map((key) => ["setrange", key, "7", "x"]));
  }
  const entries = log.entries
    .slice(1)
    .map(
      ({ index, data }): Entry => ({ kind: "data", index: asIndex(index), term: asTerm(1), data }),
    );
  const applied: number[] = [];
  const applier = new Applier({
    machine,
    sink: collector(),
    clockMs: () => 0,
    whole: ({ index }) => void applied.push(index),
    readsWait: () => false,
    applied: () => {},
  });
  applier.take(entries);
  let waits = 0;
  for (; applier.isBehind; waits++) {
    const before = stateOf(machine);
    applier.beginTurn();
    applier.run();
    expect(stateOf(machine)).toEqual(before);
    sink.waitingBytes = 0;
    applier.beginTurn();
    applier.run();
  }
  expect(waits).toBeGreaterThan(2);
  expect(applied).toEqual(entries.map(({ index }) => index));
  // One step more than the limit: 64 requests.
  expect(longest).toBeLessThan(redoWaitingBytesMax + 64 * 80_000);
  expect(stateOf(machine)).toEqual(stateOf(log.machine));
  sink.waitingBytes = 0;
  while (checkpoint.encodeSlice(1_000_000)) {}
  checkpoint.meta();
  expect(machine.isHeldUp).toBe(false);
});

/** Entries of so many requests each, of which 64 take `stepMs`. */
function slowly(requestsEach: number, stepMs: number, readsWait: (applied: number) => boolean) {
  const log = new TestLog();
  for (let each = 0; each < 8; each++) {
    log.run(...Array.from({ length: requestsEach }, (_, nth) => ["set", `k${each}:${nth}`, "v"]));
  }
  const machine = newMachine(3);
  let nowMs = 0;
  const applier = new Applier({
    machine,
    sink: collector(),
    clockMs: () => (nowMs += stepMs),
    whole: () => {},
    readsWait: () => readsWait(machine.appliedIndex),
    applied: () => {},
  });
  const entries = log.entries.map(
    ({ index, data }): Entry => ({ kind: "data", index: asIndex(index), term: asTerm(1), data }),
  );
  return { log, machine, applier, entries };
}

it("reads that a half-done entry has kept waiting come next after it, also when others are committed meanwhile", () => {
  const { log, machine, applier, entries } = slowly(500, 4, (applied) => applied < 5);
  const ends: number[] = [];
  for (let turns = 0; machine.appliedIndex < entries.length && turns < 200; turns++) {
    applier.beginTurn();
    applier.run();
    const next = entries[machine.appliedIndex];
    if (!applier.isBehind && next !== undefined) applier.take([next]);
    if (!machine.isApplying) ends.push(machine.appliedIndex);
  }
  expect([...new Set(ends)].slice(0, 4)).toEqual([1, 2, 3, 4]);
  expect(stateOf(machine)).toEqual(stateOf(log.machine));
});

it("reads that no entry keeps waiting take no time from entries", () => {
  const { machine, applier, entries } = slowly(1, 1, () => true);
  applier.beginTurn();
  applier.take(entries);
  expect(machine.appliedIndex).toBeGreaterThan(5);
});
