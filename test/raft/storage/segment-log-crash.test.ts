// Power cuts, kills and failing disks at every operation: what was acknowledged is there again.

import { describe, expect, test } from "vitest";
import type { Files } from "../../../src/disk.ts";
import { asIndex } from "../../../src/raft/core/types.ts";
import { openSegmentLog, type SegmentLog } from "../../../src/raft/storage/segment-log.ts";
import { SimulatedDisk } from "../../support/log-disk.ts";
import {
  type Contents,
  contents,
  describeEntry,
  entry,
  hardState,
  openLog,
  randomSave,
  saved,
} from "../../support/log-model.ts";
import { seeded } from "../../support/log-random.ts";

/** A plain list of all that may be expected to be there. */
interface Expected {
  /** Every save up to here was acknowledged. */
  contents: Contents;
  /** With the save in flight, whose fate is open. */
  next: Contents | null;
}

/** Works on a log until the power goes off; keeps `expected` up to date at every acknowledgement. */
async function work(log: SegmentLog, seed: number, expected: Expected): Promise<never> {
  const random = seeded(seed);
  for (;;) {
    const save = randomSave(random, log);
    expected.next = after(expected.contents, save);
    await saved(log, save.entries, save.hardState);
    expected.contents = contents(log);
    expected.next = null;
    if (random.chance(0.1)) {
      const cut = log.firstIndex + random.integer(Math.max(1, log.lastIndex - log.firstIndex - 6));
      log.cutBefore(asIndex(cut));
      expected.contents = contents(log);
    }
  }
}

/** The model: what a log holds after a save. */
function after(before: Contents, save: ReturnType<typeof randomSave>): Contents {
  const from = save.entries[0]?.index ?? before.last + 1;
  const entries = [
    ...before.entries.slice(0, from - before.first),
    ...save.entries.map(describeEntry),
  ];
  const state = save.hardState ?? before.hardState;
  const last = before.first + entries.length - 1;
  return { ...before, hardState: state, entries, last };
}

/** Compares from the first index of what is expected on: a cut may have come undone. */
function tail(of: Contents, first: number) {
  return { hardState: of.hardState, last: of.last, entries: of.entries.slice(first - of.first) };
}

function expectOneOf(found: Contents, expected: Expected, hint: string): void {
  const first = Math.max(found.first, expected.contents.first);
  expect(found.first, hint).toBeLessThanOrEqual(expected.contents.first);
  const seen = JSON.stringify(tail(found, first));
  const allowed = [expected.contents, expected.next ?? expected.contents];
  expect(
    allowed.map((each) => JSON.stringify(tail(each, first))),
    hint,
  ).toContain(seen);
}

async function crashed(seed: number, end: "power cut" | "kill" | "either"): Promise<number> {
  let disk = new SimulatedDisk(seeded(seed));
  const random = seeded(seed + 1);
  const start = { term: hardState(0).term, votedFor: null };
  const empty = { hardState: start, first: 1, last: 0, entries: [], members: null };
  const expected: Expected = { contents: empty, next: null };
  let operations = 0;
  for (let life = 0; life < 6; life += 1) {
    const hint = `seed ${seed} life ${life}`;
    disk.dieAfter(random.integer(60));
    const running = openLog({ files: disk, segmentBytes: 700, cacheBytes: 400 }).then((log) => {
      expectOneOf(contents(log), expected, hint);
      expected.contents = contents(log); // From now on it is certain: it was read, it must stay.
      expected.next = null;
      return work(log, seed + life, expected);
    });
    await Promise.race([running, disk.died]);
    operations += disk.operations;
    const kill = end === "kill" || (end === "either" && random.chance(0.5));
    disk = kill ? disk.afterKill() : disk.afterPowerCut();
  }
  const log = await openLog({ files: disk });
  expectOneOf(contents(log), expected, `seed ${seed} at the end`);
  await log.close();
  expect(disk.openFiles).toBe(0);
  return operations;
}

/** More of them for a longer search: `LOG_CRASH_SEEDS=2000`. */
const { LOG_CRASH_SEEDS = "40" } = process.env;
const seeds = Number(LOG_CRASH_SEEDS);

describe("after a crash at a random operation, six times in a row", () => {
  test.each(["power cut", "kill", "either"] as const)(
    "by %s nothing acknowledged is lost",
    async (end) => {
      let operations = 0;
      for (let seed = 1; seed <= seeds; seed += 1) operations += await crashed(seed, end);
      expect(operations).toBeGreaterThan(100 * seeds);
    },
    30_000 + 400 * seeds,
  );
});

/** Opens a log whose next write, after `good` ones, goes wrong. */
async function failing(good: number, write: Files["write"]) {
  const disk = new SimulatedDisk(seeded(good));
  const failures: Error[] = [];
  let left = Number.POSITIVE_INFINITY;
  const files: Files = new Proxy(disk, {
    get(target, name: keyof Files) {
      if (name === "write") {
        return (...parts: Parameters<Files["write"]>) => {
          left -= 1;
          if (left < 0) write.apply(target, parts);
          else target.write(...parts);
        };
      }
      return target[name].bind(target);
    },
  });
  const log = await openSegmentLog({
    directory: "log",
    files,
    onFailure: (error) => failures.push(error),
  });
  if ("damaged" in log) throw new Error(log.damaged);
  left = good;
  return { disk, log, failures };
}

const settle = async () => {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
};

type Fault = [string, Files["write"]];
const faults: Fault[] = [
  ["an I/O error", (_fd, _buffers, _position, done) => done(new Error("EIO"), 0)],
  ["a full disk", (_fd, _buffers, _position, done) => done(new Error("ENOSPC"), 0)],
  ["a short write", (_fd, _buffers, _position, done) => done(null, 20)],
  ["nothing written", (_fd, _buffers, _position, done) => done(null, 0)],
];

describe("a failing disk", () => {
  test.each(faults)(
    "%s: fails once, acknowledges nothing, keeps what was",
    async (_name, write) => {
      const { disk, log, failures } = await failing(2, write);
      await saved(log, [entry(1, 1)], hardState(1, 1));
      await saved(log, [entry(1, 2)]);
      let acknowledged = 0;
      const again = () =>
        log.save({ hardState: null, entries: [entry(1, 3)] }, () => acknowledged++);
      again();
      await settle();
      again();
      again();
      await settle();
      expect(failures).toHaveLength(1);
      expect(acknowledged).toBe(0);
      expect(log.lastIndex).toBe(2);
      await log.close();
      expect(failures).toHaveLength(1);

      const reopened = await openLog({ files: disk.afterPowerCut() });
      expect(contents(reopened).entries).toEqual(["1/1 data 1/1", "1/2 data 1/2"]);
      expect(reopened.hardState).toEqual({ term: 1, votedFor: 1 });
    },
  );

  test("a save whose sync failed is either gone, or written again before it is relied on", async () => {
    let disk: SimulatedDisk | null = null;
    const made = await failing(1, (fd, buffers, position, done) => {
      disk?.cacheOnly(fd, buffers, position);
      done(new Error("EIO"), 0);
    });
    disk = made.disk;
    await saved(made.log, [entry(1, 1)]);
    made.log.save({ hardState: hardState(7, 2), entries: [entry(1, 2)] }, () => {});
    await settle();
    expect(made.failures).toHaveLength(1);

    const restarted = disk.afterKill();
    const log = await openLog({ files: restarted });
    expect(log.hardState).toEqual({ term: 7, votedFor: 2 });
    const cut = await openLog({ files: restarted.afterPowerCut() });
    expect(contents(cut)).toEqual(contents(log));
  });

  test("fails once when a new segment, a watermark or a removal cannot be made", async () => {
    for (const broken of ["create", "sync", "rename", "syncDirectory"] as const) {
      const disk = new SimulatedDisk(seeded(5));
      const failures: Error[] = [];
      let works = true;
      const files: Files = new Proxy(disk, {
        get(target, name: keyof Files) {
          if (name === broken && !works) return () => Promise.reject(new Error(`${broken}: EIO`));
          return target[name].bind(target);
        },
      });
      const hasSpace = () => Promise.resolve(false); // A prepared segment needs no new file.
      const options = { directory: "log", files, segmentBytes: 200, hasSpace };
      const log = await openSegmentLog({ ...options, onFailure: (error) => failures.push(error) });
      if ("damaged" in log) throw new Error(log.damaged);
      await saved(log, [entry(1, 1, "x".repeat(200))]);
      works = false;
      let acknowledged = 0;
      log.save({ hardState: null, entries: [entry(1, 2)] }, () => acknowledged++);
      await settle();
      expect(failures.map(({ message }) => message)).toEqual([`${broken}: EIO`]);
      expect(acknowledged).toBe(0);
      works = true;
      const reopened = await openLog({ files: disk.afterPowerCut() });
      expect(reopened.lastIndex).toBe(1);
    }
  });
});

test("a disk that fails everywhere at once is told of once", async () => {
  const disk = new SimulatedDisk(seeded(5));
  const failures: Error[] = [];
  let works = true;
  const files: Files = new Proxy(disk, {
    get(target, name: keyof Files) {
      if (works) return target[name].bind(target);
      return name === "write"
        ? (...[, , , done]: Parameters<Files["write"]>) =>
            queueMicrotask(() => done(new Error("EIO"), 0))
        : () => Promise.reject(new Error("EIO"));
    },
  });
  const options = { directory: "log", files, segmentBytes: 300 };
  const log = await openSegmentLog({ ...options, onFailure: (error) => failures.push(error) });
  if ("damaged" in log) throw new Error(log.damaged);
  for (let index = 1; index <= 8; index += 1) await saved(log, [entry(1, index)]);
  works = false;
  log.cutBefore(asIndex(6));
  log.save({ hardState: null, entries: [entry(1, 9)] }, () => failures.push(new Error("done")));
  await settle();
  expect(failures.map(({ message }) => message)).toEqual(["EIO"]);
});

test("close waits for the save in flight", async () => {
  const disk = new SimulatedDisk(seeded(6));
  const log = await openLog({ files: disk });
  let acknowledged = 0;
  log.save({ hardState: null, entries: [entry(1, 1)] }, () => acknowledged++);
  await log.close();
  expect(acknowledged).toBe(1);
  expect(disk.openFiles).toBe(0);
  expect((await openLog({ files: disk })).lastIndex).toBe(1);
});

test("a cut removes segment files, and frees no index that is still asked for", async () => {
  const disk = new SimulatedDisk(seeded(7));
  const log = await openLog({ files: disk, segmentBytes: 600, cacheBytes: 0 });
  for (let index = 1; index <= 40; index += 1) await saved(log, [entry(1, index)]);
  const bytes = log.bytes;
  log.cutBefore(asIndex(30));
  expect(log.bytes).toBeLessThan(bytes);
  expect(log.firstIndex).toBeGreaterThan(20);
  await log.close();
  const names = disk.paths().filter((path) => path.endsWith(".segment"));
  expect(names[0]).not.toContain("0000000000000001");
  const reopened = await openLog({ files: disk });
  expect(reopened.firstIndex).toBe(log.firstIndex);
  expect(contents(reopened).entries.at(-1)).toBe("1/40 data 1/40");
});

test("whichever sectors of its last save a crash kept from the disk, a log opens, without it or with it", async () => {
  for (let fill = 0; fill < 512; fill += 3) {
    const disk = new SimulatedDisk(seeded(90));
    const log = await openLog({ files: disk });
    await saved(log, [entry(1, 1, "x".repeat(fill))]);
    const path = disk.paths().find((each) => each.endsWith(".segment")) ?? "";
    const before = Buffer.from(disk.content(path));
    await saved(log, [entry(1, 2, `${"y".repeat(400)}${"\0".repeat(1100)}z`)]);
    const after = Buffer.from(disk.content(path));
    const changed = [...Array(after.length / 512).keys()]
      .map((sector) => sector * 512)
      .filter((at) => after.compare(before, at, at + 512, at, at + 512) !== 0);
    for (let lost = 0; lost < 2 ** changed.length; lost += 1) {
      const torn = Buffer.from(after);
      changed.forEach((at, bit) => {
        if ((lost & (1 << bit)) !== 0) before.copy(torn, at, at, at + 512);
      });
      const crashed = disk.copy();
      crashed.replace(path, torn);
      const { lastIndex } = await openLog({ files: crashed });
      expect(lastIndex, `${fill} ${lost}`).toBe(lost === 0 ? 2 : 1);
    }
  }
}, 30_000);

test("a save whose last sectors are blank by themselves is torn where the file ends before them", async () => {
  const disk = new SimulatedDisk(seeded(91));
  const log = await openLog({ files: disk });
  await saved(log, [entry(1, 1)]);
  await saved(log, [entry(1, 2, `y${"\0".repeat(3_000)}`)]);
  const path = disk.paths().find((each) => each.endsWith(".segment")) ?? "";
  for (const size of [1024, 1536, 2048]) {
    const crashed = disk.copy();
    crashed.replace(path, disk.content(path).subarray(0, size));
    expect((await openLog({ files: crashed })).lastIndex, `${size}`).toBe(1);
  }
});
