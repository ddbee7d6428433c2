// A database that is flushed while a checkpoint is written: its memory comes back as fast as it is written.

import { expect, test } from "vitest";
import { Checkpoint, type RecordSink } from "../../../src/state/checkpoint/checkpoint.ts";
import { context } from "../../support/state-checkpoint.ts";
import { TestLog } from "../../support/state-log.ts";

const nowhere: RecordSink = { put: () => {}, del: () => {}, clearRange: () => {}, waitingBytes: 0 };

function filled(keys: number): TestLog {
  const log = new TestLog();
  for (let key = 0; key < keys; key++) log.run(["set", `key:${key}`, "v".repeat(100)]);
  return log;
}

/** Bytes of all records, after what is dropped has gone. */
function slotBytes(log: TestLog): number {
  const { keyspace } = log.machine;
  while (keyspace.reclaim(1_000));
  return keyspace.memory.arena.slotBytes;
}

test("each partition goes when it is written, not all of them at the end", () => {
  const log = filled(2_000);
  const full = slotBytes(log);
  const checkpoint = new Checkpoint(log.machine, context, nowhere);
  log.run(["flushdb"]);
  expect(checkpoint.isHoldingMemory).toBe(true);
  expect(slotBytes(log)).toBe(full);
  let half = full;
  while (half > full / 2 && checkpoint.encodeSlice(1_000)) half = slotBytes(log);
  expect(half).toBeGreaterThan(full / 4);
  while (checkpoint.encodeSlice(1_000));
  expect(checkpoint.isHoldingMemory).toBe(false);
  expect(slotBytes(log)).toBe(0);
});

test("what did not change since the last checkpoint goes at once", () => {
  const log = filled(2_000);
  const first = new Checkpoint(log.machine, context, nowhere);
  while (first.encodeSlice(100_000));
  first.meta();
  log.run(["set", "key:1", "w".repeat(100)]);
  const full = slotBytes(log);
  const second = new Checkpoint(log.machine, context, nowhere);
  log.run(["flushdb"]);
  expect(slotBytes(log)).toBeLessThan(full / 50);
  while (second.encodeSlice(100_000));
  expect(slotBytes(log)).toBe(0);
});
