// The opening of a log tells how much of it is read, waits when it is asked to, and can be called off.

import { expect, test } from "vitest";
import { SimulatedDisk } from "../../support/log-disk.ts";
import { entry, openLog, saved } from "../../support/log-model.ts";
import { seeded } from "../../support/log-random.ts";

/** Of several segments, all of it on disk. */
async function diskWithLog(): Promise<{ disk: SimulatedDisk; bytes: number }> {
  const disk = new SimulatedDisk(seeded(8));
  const log = await openLog({ files: disk, segmentBytes: 700 });
  for (let index = 1; index <= 20; index++) await saved(log, [entry(1, index)]);
  const { bytes } = log;
  await log.close();
  expect(disk.openFiles).toBe(0);
  return { disk, bytes };
}

test("each save adds its bytes to what is read, and nothing is read while somebody waits", async () => {
  const { disk, bytes } = await diskWithLog();
  const seen: number[] = [];
  let isWaiting = false;
  const log = await openLog({
    files: disk,
    onRead: async (read) => {
      expect(isWaiting).toBe(false);
      isWaiting = true;
      await Promise.resolve();
      isWaiting = false;
      seen.push(read);
    },
  });
  expect(seen.length).toBe(20);
  expect(seen).toEqual(seen.toSorted((one, other) => one - other));
  expect(seen.at(-1)).toBeLessThanOrEqual(bytes);
  expect(log.lastIndex).toBe(20);
  await log.close();
});

test("an opening that is called off leaves no file open and changes nothing", async () => {
  const { disk } = await diskWithLog();
  for (let at = 1; at <= 20; at++) {
    let saves = 0;
    const opening = openLog({
      files: disk,
      onRead: () => {
        if (++saves === at) throw new Error("called off");
        return null;
      },
    });
    await expect(opening).rejects.toThrow("called off");
    expect(disk.openFiles).toBe(0);
  }
  const log = await openLog({ files: disk });
  expect(log.lastIndex).toBe(20);
  await log.close();
});
