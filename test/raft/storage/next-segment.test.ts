// The segment that is prepared ahead of time: made once, used at the roll, and never at any price.

import { describe, expect, test } from "vitest";
import type { Files } from "../../../src/disk.ts";
import { openSegmentLog } from "../../../src/raft/storage/segment-log.ts";
import { SimulatedDisk } from "../../support/log-disk.ts";
import { contents, entry, openLog, saved } from "../../support/log-model.ts";
import { seeded } from "../../support/log-random.ts";

const settle = async () => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

const preparedPath = "log/next.segment.new";
/** Two such entries fill a segment. */
const half = "x".repeat(600_000);

interface Setup {
  readonly hasSpace?: (bytes: number) => Promise<boolean>;
  /** What befalls the prepared file, instead of its creation or of the writes to it. */
  readonly create?: Error;
  readonly write?: Files["write"];
}

/** A log on a disk that notes what happens to names. */
async function open({ hasSpace = () => Promise.resolve(true), create, write }: Setup) {
  const disk = new SimulatedDisk(seeded(30));
  const calls: string[] = [];
  const failures: Error[] = [];
  let preparedFd = -1;
  const special: Partial<Files> = {
    async create(path) {
      calls.push(`create ${path}`);
      if (path !== preparedPath) return disk.create(path);
      if (create !== undefined) throw create;
      preparedFd = await disk.create(path);
      return preparedFd;
    },
    write(fd, ...rest) {
      if (fd === preparedFd && write !== undefined) write(fd, ...rest);
      else disk.write(fd, ...rest);
    },
    rename(from, to) {
      calls.push(`rename ${from} ${to}`);
      return disk.rename(from, to);
    },
    syncDirectory(path) {
      calls.push(`sync ${path}`);
      return disk.syncDirectory(path);
    },
  };
  const files: Files = new Proxy(disk, {
    get: (target, name: keyof Files) => special[name] ?? target[name].bind(target),
  });
  const options = { directory: "log", files, segmentBytes: 1_000_000, hasSpace };
  const log = await openSegmentLog({ ...options, onFailure: (error) => failures.push(error) });
  if ("damaged" in log) throw new Error(log.damaged);
  return { disk, log, calls, failures };
}

describe("the next segment", () => {
  test("is prepared while the present one fills up, and the roll makes no file", async () => {
    const { disk, log, calls } = await open({});
    await saved(log, [entry(1, 1, half)]);
    await settle();
    expect(disk.content(preparedPath)).toHaveLength(4 * 256 * 1024);
    await saved(log, [entry(1, 2, half)]);
    const second = "log/0000000000000002.segment";
    calls.length = 0;
    await saved(log, [entry(1, 3)]);
    expect(calls.slice(0, 2)).toEqual([`rename ${preparedPath} ${second}`, "sync log"]);
    expect(calls).not.toContain(`create ${second}.new`);
    expect(disk.content(second)).toHaveLength(4 * 256 * 1024);
    expect(disk.paths()).not.toContain(preparedPath);
    const after = await openLog({ files: disk.afterPowerCut() });
    expect(contents(after).entries.at(-1)).toBe("1/3 data 1/3");
  });

  test("is not prepared while the disk has no space for it", async () => {
    const asked: number[] = [];
    const { disk, log } = await open({
      hasSpace: (bytes) => Promise.resolve(asked.push(bytes) < 0),
    });
    for (let index = 1; index <= 5; index += 1) await saved(log, [entry(1, index, half)]);
    await settle();
    expect(disk.paths()).not.toContain(preparedPath);
    expect(asked).toEqual([1_048_576, 1_048_576, 1_048_576]);
    expect(log.lastIndex).toBe(5);
  });

  const failure = (code: string): Error => Object.assign(new Error(code), { code });
  const full: [string, Setup][] = [
    ["ENOSPC", { create: failure("ENOSPC") }],
    ["EDQUOT", { create: failure("EDQUOT") }],
    ["a short write", { write: (_fd, _buffers, _position, done) => done(null, 20) }],
  ];

  test.each(full)("is done without when the disk is full (%s)", async (_name, setup) => {
    const { disk, log, failures } = await open(setup);
    for (let index = 1; index <= 5; index += 1) await saved(log, [entry(1, index, half)]);
    await settle();
    expect(failures).toEqual([]);
    expect(disk.paths()).not.toContain(preparedPath);
    await log.close();
    expect(disk.openFiles).toBe(0);
  });

  test("ends the process when the disk fails in another way", async () => {
    const { log, failures } = await open({ create: failure("EIO") });
    await saved(log, [entry(1, 1, half)]);
    await settle();
    expect(failures.map(({ message }) => message)).toEqual(["EIO"]);
  });

  test("that a crash or an end left half made is removed at the next opening", async () => {
    const { disk, log } = await open({});
    await saved(log, [entry(1, 1, half)]);
    await log.close();
    expect(disk.paths()).toContain(preparedPath);
    expect(disk.openFiles).toBe(0);
    await openLog({ files: disk });
    expect(disk.paths()).not.toContain(preparedPath);
  });
});
