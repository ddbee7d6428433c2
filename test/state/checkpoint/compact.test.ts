// To give back the space of old records, LevelDB needs little space beside what there is.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { mergeTablesMax, storeBufferBytesMin, storeTableBytesMin } from "../../../src/constants.ts";
import { compactLevel } from "../../../src/state/checkpoint/compact.ts";
import {
  type CheckpointLevel,
  makeDurable,
  openLevel,
} from "../../../src/state/checkpoint/level.ts";
import { metaKey } from "../../../src/state/checkpoint/meta.ts";
import { recordKey } from "../../../src/state/checkpoint/record-key.ts";
import { temporaryDirectory } from "../../support/state-checkpoint.ts";
import { Dice } from "../../support/state-random.ts";

const sizes = { bufferBytes: storeBufferBytesMin, tableBytes: storeTableBytesMin };
/** No compression makes it smaller. */
const dice = new Dice(1);
const part = Buffer.from(Array.from({ length: 64 * 1024 }, () => dice.below(256)));

function bytesIn(directory: string): number {
  return readdirSync(directory).reduce((sum, name) => {
    return sum + (statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0);
  }, 0);
}

/** Resolves to the most that the directory had. */
async function watched(directory: string, work: Promise<void>): Promise<number> {
  let isOver = false;
  let most = 0;
  const end = work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    most = Math.max(most, bytesIn(directory));
    await turn();
  }
  await end;
  return most;
}

/** As a checkpoint does it: the meta record, which comes first, and parts of new objects, which come last. */
async function putParts(level: CheckpointLevel, from: number, count: number): Promise<void> {
  for (let id = from; id < from + count; id++) {
    await level.put(recordKey("part", id), part);
  }
  await level.put(metaKey, Buffer.alloc(100, from));
  await makeDurable(level);
}

it("no more than one merge needs, although the first and the last records of all have changed", async () => {
  const directory = await temporaryDirectory();
  const level = await openLevel(directory, sizes);
  await putParts(level, 0, 1_000);
  await compactLevel(level, sizes.tableBytes);
  await putParts(level, 1_000, 20);
  for (let id = 0; id < 500; id++) await level.del(recordKey("part", id));
  await makeDurable(level);

  const before = bytesIn(directory);
  const most = await watched(directory, compactLevel(level, sizes.tableBytes));
  expect(most - before).toBeLessThan(mergeTablesMax * sizes.tableBytes);
  expect(bytesIn(directory)).toBeLessThan(before - 400 * part.length);
  expect((await level.keys().all()).length).toBe(521);
  await level.close();
});
