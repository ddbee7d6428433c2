// What a checkpoint is going to write is known before it begins: a node keeps so much of its disk free.

import { expect, it } from "vitest";
import { Checkpoint } from "../../../src/state/checkpoint/checkpoint.ts";
import { commands } from "../../../src/state/commands/table.ts";
import { Machine } from "../../../src/state/execution/machine.ts";
import {
  checkpoint,
  context,
  openStore,
  temporaryDirectory,
} from "../../support/state-checkpoint.ts";
import { TestLog } from "../../support/state-log.ts";
import { Dice } from "../../support/state-random.ts";

/** For the heads of a record, on disk and in the redo file. */
const besideRecord = 64;

const lengths = [0, 10, 1_000, 10_000, 16_000, 20_000, 70_000, 200_000];

function someWrite(dice: Dice): string[] {
  const length = lengths[dice.below(lengths.length)] as number;
  const key = dice.below(20) === 0 ? `long${"k".repeat(length)}` : `k${dice.below(60)}`;
  const other = `k${dice.below(60)}`;
  switch (dice.below(10)) {
    case 0:
      return ["del", key];
    case 1:
      return ["append", key, "x".repeat(dice.below(20))];
    case 2:
      return ["setrange", key, String(dice.below(200_000)), "y"];
    case 3:
      return ["copy", key, other, "replace"];
    case 4:
      return ["rename", key, other];
    case 5:
      return ["expire", key, "1000"];
    case 6:
      return dice.below(20) === 0 ? ["flushdb"] : ["persist", key];
    default:
      return ["set", key, "v".repeat(length)];
  }
}

/** Writes a checkpoint nowhere. */
function bytesOfCheckpoint(machine: Machine): { bytes: number; operations: number } {
  const sum = { bytes: 0, operations: 0 };
  const add = (key: Buffer, value: Buffer): void => {
    sum.bytes += key.length + value.length;
    sum.operations += 1;
  };
  const none = Buffer.alloc(0);
  const sink = { put: add, del: (key: Buffer) => add(key, none), clearRange: add, waitingBytes: 0 };
  const written = new Checkpoint(machine, context, sink);
  while (written.encodeSlice(100_000));
  written.meta();
  return sum;
}

it("no checkpoint writes more than what was counted while entries were applied", () => {
  for (let seed = 1; seed <= 8; seed++) {
    const dice = new Dice(seed);
    const log = new TestLog([new Machine({ commands })]);
    const { keyspace } = log.machine;
    for (let round = 0; round < 30; round++) {
      for (let entry = dice.below(50); entry >= 0; entry--) log.run(someWrite(dice));
      const counted = keyspace.disk.dirtyBytes;
      const { bytes, operations } = bytesOfCheckpoint(log.machine);
      expect(bytes).toBeLessThanOrEqual(counted + besideRecord * operations);
      expect(keyspace.disk.dirtyBytes).toBe(0);
    }
  }
});

it("what was loaded is on disk already", async () => {
  const store = await openStore(await temporaryDirectory());
  const log = new TestLog([new Machine({ commands })]);
  for (let at = 0; at < 50; at++) log.run(["set", `k${at}`, "v".repeat(at * 2_000)]);
  await checkpoint(store, log);
  const restored = new Machine({ commands });
  await store.load(restored);
  expect(restored.keyspace.disk.dirtyBytes).toBe(0);
});
