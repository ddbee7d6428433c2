// The records of a checkpoint, from LevelDB into an empty machine.

import type { Machine } from "../execution/machine.ts";
import type { CheckpointLevel } from "./level.ts";
import { type CheckpointMeta, metaKey, recordsOf } from "./meta.ts";
import { Restorer } from "./restore.ts";

/** Records and bytes that one step takes out of LevelDB. */
const stepRecords = 1_000;
const stepBytes = 1024 * 1024;

/** Takes in one record; null, or what is wrong with it. */
export interface RecordTaker {
  record(key: Buffer, value: Buffer): string | null;
}

/** After each step: null, or what has to be waited for before the next one. */
export type OnStep = () => Promise<void> | null;
/** The same, with the share of all records that is loaded: from 0 to 1. */
export type OnLoaded = (share: number) => Promise<void> | null;

/** Null, or what is wrong with the records: then the machine is of no use. Rejects with LevelDB's error. */
export async function loadRecords(
  level: CheckpointLevel,
  machine: Machine,
  meta: CheckpointMeta,
  onLoaded: OnLoaded = () => null,
): Promise<string | null> {
  const restorer = new Restorer(machine, meta);
  const records = recordsOf(meta);
  let taken = 0;
  const taker: RecordTaker = {
    record(key, value) {
      taken++;
      return restorer.record(key, value);
    },
  };
  const onStep: OnStep = () => onLoaded(records === 0 ? 1 : Math.min(1, taken / records));
  return restorer.begin() ?? (await takeRecords(level, taker, onStep)) ?? restorer.finish();
}

/** In the order of their keys, up to the first that is refused: resolves to what is wrong with it. */
export async function takeRecords(
  level: CheckpointLevel,
  taker: RecordTaker,
  onStep: OnStep = () => null,
): Promise<string | null> {
  const iterator = level.iterator({ gt: metaKey, ...{ highWaterMarkBytes: stepBytes } });
  try {
    // LevelDB's thread reads the next records while this one takes in the last ones.
    let reading = iterator.nextv(stepRecords);
    for (let records = await reading; records.length > 0; records = await reading) {
      reading = iterator.nextv(stepRecords);
      reading.catch(() => {}); // Awaited above, unless a record is refused first.
      for (const [key, value] of records) {
        const problem = taker.record(key, value);
        if (problem !== null) return problem;
      }
      const wait = onStep();
      if (wait !== null) await wait;
    }
    return null;
  } finally {
    await iterator.close();
  }
}
