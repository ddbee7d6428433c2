// A trial of the log alone, opened in memory: quick enough for every byte of its tail.

import { isDeepStrictEqual } from "node:util";
import { crc32 } from "node:zlib";
import { openSegmentLog, type SegmentLog } from "../../src/raft/storage/segment-log.ts";
import { SimulatedDisk } from "../support/log-disk.ts";
import { sameEntry } from "./fingerprint.ts";
import type { History } from "./history.ts";
import { usedBytes } from "./image.ts";
import { self } from "./node-life.ts";
import type { Prepared } from "./prepare.ts";
import { segmentBytes } from "./start.ts";
import type { Chosen } from "./trial.ts";
import { judgeCut, type Verdict } from "./verdict.ts";

export async function logTrial(prepared: Prepared, { damage, random }: Chosen): Promise<Verdict> {
  const disk = new SimulatedDisk(random);
  for (const [path, content] of damage.image) {
    if (!path.startsWith("log/")) continue;
    const isHurt = path === damage.path;
    disk.replace(path, isHurt ? content : content.subarray(0, usedBytes(content) + 64));
  }
  const log = await openSegmentLog({
    directory: "log",
    owner: crc32(`${prepared.history.clusterId}/${self}`),
    files: disk,
    segmentBytes,
    cacheBytes: 0,
    onFailure: (error) => {
      throw error;
    },
  });
  if ("damaged" in log) return { outcome: "refused", cutSaves: 0 };
  const at = saveOf(prepared.history, log);
  await log.close();
  return at < 0 ? { problem: "the log is that of no save" } : judgeCut(prepared, damage, at);
}

/** The position of the last save after which the log was as it is; -1 when there is none. */
function saveOf({ saves, entries }: History, log: SegmentLog): number {
  const { firstIndex, lastIndex, hardState } = log;
  const found = log.slice(firstIndex, lastIndex, Number.POSITIVE_INFINITY);
  const isWhole =
    found.length === lastIndex - firstIndex + 1 &&
    found.every((entry) => sameEntry(entry, entries.get(entry.index)));
  if (!isWhole) return -1;
  return saves.findLastIndex(
    (save) => save.lastIndex === lastIndex && isDeepStrictEqual(save.hardState, hardState),
  );
}
