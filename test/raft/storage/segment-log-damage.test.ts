// Truncation at every byte, a flip of every bit's byte, lost and foreign files: never wrong, never a hole.

import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { recordHeadBytes } from "../../../src/raft/record.ts";
import { markBytes, saveHeadBytes } from "../../../src/raft/storage/save.ts";
import { openSegmentLog } from "../../../src/raft/storage/segment-log.ts";
import { SimulatedDisk } from "../../support/log-disk.ts";
import { type Contents, contents, entry, fill, openLog, saved } from "../../support/log-model.ts";
import { seeded } from "../../support/log-random.ts";

const sectorBytes = 512;
/** Of a segment that begins a log, without memberships. */
const segmentHeaderBytes = 96;
const markAt = 20;

const onFailure = (error: Error): never => {
  throw error;
};

/** The contents of what a disk holds, or why it is refused. */
async function judge(disk: SimulatedDisk): Promise<Contents | string> {
  const log = await openSegmentLog({ directory: "log", files: disk, onFailure });
  if ("damaged" in log) return log.damaged;
  const found = contents(log);
  await log.close();
  return found;
}

const newest = (disk: SimulatedDisk): string => {
  const segments = disk.paths().filter((path) => path.endsWith(".segment"));
  return segments.at(-1) ?? "";
};

function usedBytes(content: Buffer): number {
  let end = content.length;
  while (end > 0 && content[end - 1] === 0) end -= 1;
  return end;
}

/** Copies of a disk with one bit changed: one in every byte of every file. */
function* flips(disk: SimulatedDisk) {
  const random = seeded(70);
  for (const path of disk.paths()) {
    // Without most of the zeros behind the saves, to be quick.
    const all = disk.content(path);
    disk.replace(path, all.subarray(0, usedBytes(all) + 64));
  }
  for (const path of disk.paths()) {
    const content = disk.content(path);
    for (let at = 0; at < content.length; at += 1) {
      const flipped = Buffer.from(content);
      flipped[at] = (flipped[at] ?? 0) ^ (1 << random.integer(8));
      const hurt = disk.copy();
      hurt.replace(path, flipped);
      yield { path, at, hurt };
    }
  }
}

/** A log with some segments whose process was killed: its watermark is behind. */
async function killedLog(seed: number, saves = 24) {
  const disk = new SimulatedDisk(seeded(seed));
  const log = await openLog({ files: disk, segmentBytes: 1500 });
  const history = await fill(log, saves, seed);
  return { disk, log, history };
}

describe("truncation", () => {
  test("at every byte of the newest segment leaves every save before it, or is refused inside of a sector", async () => {
    const disk = new SimulatedDisk(seeded(1));
    const log = await openLog({ files: disk });
    const history = await fill(log, 6, 5);
    const path = newest(disk);
    const whole = disk.content(path);
    const used = usedBytes(whole);
    const lengths = new Set<number>();
    let refusals = 0;
    let previous = 0;
    for (
      let size = segmentHeaderBytes;
      size <= whole.length;
      size = size > used + 4 ? whole.length + 1 : size + 1
    ) {
      const cut = disk.copy();
      cut.replace(path, whole.subarray(0, size));
      const found = await judge(cut);
      if (typeof found === "string") {
        expect(size % sectorBytes, found).not.toBe(0);
        refusals += 1;
        continue;
      }
      const at = history.findIndex((each) => JSON.stringify(each) === JSON.stringify(found));
      expect(at, `cut at ${size}: ${JSON.stringify(found)}`).toBeGreaterThanOrEqual(previous);
      previous = at;
      lengths.add(at);
    }
    expect([...lengths]).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(refusals).toBeGreaterThan(100);
  }, 30_000);

  test("of saves that are known to be complete is damage", async () => {
    const { disk, log } = await killedLog(3);
    await log.close(); // Writes an exact watermark.
    const path = newest(disk);
    const content = disk.content(path);
    const used = usedBytes(content);
    disk.replace(path, content.subarray(0, used - 1));
    expect(await judge(disk)).toMatch(
      /segment at offset \d+: a save was written as a whole and is/,
    );
    const mark = content.subarray(markAt, markAt + markBytes);
    disk.replace(path, content.subarray(0, content.lastIndexOf(mark)));
    expect(await judge(disk)).toMatch(/segment at offset \d+: the log ends with save 23, 24 was/);
  });

  test("of an older segment is damage, anywhere", async () => {
    const { disk } = await killedLog(4);
    const [path = ""] = disk.paths().filter((each) => each.endsWith(".segment"));
    const used = usedBytes(disk.content(path));
    for (let size = 0; size < used; size += 7) {
      const cut = disk.copy();
      cut.replace(path, disk.content(path).subarray(0, size));
      expect(await judge(cut), `cut at ${size}`).toMatch(/0000000000000001\.segment/);
    }
  });
});

describe("one flipped bit", () => {
  test.each([7, 12, 13])(
    "anywhere, in the last save of a killed process too, is harmless or reported (seed %i)",
    async (seed) => {
      const { disk, history } = await killedLog(seed);
      const whole = JSON.stringify(history.at(-1));
      const seen = { same: 0, damage: 0 };
      for (const { path, at, hurt } of flips(disk)) {
        const found = await judge(hurt);
        const text = JSON.stringify(found);
        if (typeof found === "string") seen.damage += 1;
        else {
          expect(text, `${path} at ${at}`).toBe(whole);
          seen.same += 1;
        }
      }
      expect(seen.damage).toBeGreaterThan(1000);
      expect(seen.same).toBeGreaterThan(20);
    },
    30_000,
  );

  test("in a last save that holds whole sectors of zeros is damage, not a torn write", async () => {
    const disk = new SimulatedDisk(seeded(9));
    const log = await openLog({ files: disk });
    const value = `first${"\0".repeat(4 * sectorBytes)}last`;
    await saved(log, [entry(1, 1, value)]);
    const content = disk.content(newest(disk));
    for (const word of ["first", "last"]) {
      const flipped = Buffer.from(content);
      const at = flipped.indexOf(word);
      flipped[at] = (flipped[at] ?? 0) ^ 1;
      const hurt = disk.copy();
      hurt.replace(newest(disk), flipped);
      expect(await judge(hurt)).toMatch("written as a whole and is damaged");
    }
  });

  test("before a valid save names the file and the place", async () => {
    const disk = new SimulatedDisk(seeded(8));
    const log = await openLog({ files: disk });
    for (let index = 1; index <= 3; index += 1) await saved(log, [entry(1, index, "x".repeat(50))]);
    const path = newest(disk);
    const content = Buffer.from(disk.content(path));
    const place = content.indexOf("x".repeat(50));
    content[place + 3] = 0x79;
    disk.replace(path, content);
    expect(await judge(disk)).toMatch(
      /0000000000000001\.segment at offset 96: damaged, but a valid save follows at \d+/,
    );
  });

  test("in a running log ends the process when the entry is read", async () => {
    const disk = new SimulatedDisk(seeded(9));
    const failures: Error[] = [];
    const log = await openSegmentLog({
      directory: "log",
      files: disk,
      cacheBytes: 0,
      onFailure: (error) => failures.push(error),
    });
    if ("damaged" in log) throw new Error(log.damaged);
    await saved(log, [entry(1, 1, "x".repeat(50))]);
    await saved(log, [entry(1, 2)]);
    const content = disk.content(newest(disk));
    content[content.indexOf("x".repeat(50))] = 0x79;
    expect(() => log.slice(log.firstIndex, log.firstIndex, 100)).toThrow(/offset 184: entry 1/);
    expect(failures).toHaveLength(1);
  });
});

test("a torn save is cut off once, and the log goes on in its place", async () => {
  const disk = new SimulatedDisk(seeded(21));
  const log = await openLog({ files: disk });
  await saved(log, [entry(1, 1)]);
  await saved(log, [entry(1, 2, "x".repeat(600_000))]);
  disk.content(newest(disk)).fill(0, 4 * sectorBytes, 5 * sectorBytes);
  const cut = await openLog({ files: disk });
  expect(cut.torn).toBe(true);
  expect(cut.lastIndex).toBe(1);
  await saved(cut, [entry(2, 2)]);
  const again = await openLog({ files: disk });
  expect(again.torn).toBe(false);
  expect(contents(again).entries).toEqual(["1/1 data 1/1", "2/2 data 2/2"]);
});

test("a save that holds the bytes of another one does not make a torn tail look like damage", async () => {
  const disk = new SimulatedDisk(seeded(10));
  const log = await openLog({ files: disk });
  await saved(log, [entry(1, 1)]);
  const other = new SimulatedDisk(seeded(11));
  const foreign = await openLog({ files: other });
  for (let index = 1; index <= 5; index += 1) await saved(foreign, [entry(1, index)]);
  const saves = other.content(newest(other)).subarray(segmentHeaderBytes, 700);
  await saved(log, [entry(1, 2, saves.toString("latin1"))]);
  const path = newest(disk);
  const torn = Buffer.from(disk.content(path));
  torn.fill(0, sectorBytes, 2 * sectorBytes);
  disk.replace(path, torn);
  expect(await judge(disk)).toMatchObject({ last: 1 });
});

describe("a save of another history, valid in itself and with the right number", () => {
  /** Two logs that part after their first save. */
  async function parted(segmentBytes: number) {
    const disk = new SimulatedDisk(seeded(20));
    await saved(await openLog({ files: disk, segmentBytes }), [entry(1, 1)]);
    const histories: SimulatedDisk[] = [];
    for (const name of ["one", "two"]) {
      const copy = disk.copy();
      const log = await openLog({ files: copy, segmentBytes });
      await saved(log, [entry(1, 2, name)]);
      await saved(log, [entry(1, 3, name)]);
      histories.push(copy);
    }
    const [one = disk, two = disk] = histories;
    return { one, two };
  }

  test("breaks the chain inside of a segment", async () => {
    const { one, two } = await parted(10_000);
    const path = newest(one);
    const mixed = Buffer.from(one.content(path));
    const save = saveHeadBytes + recordHeadBytes + 3;
    const second = segmentHeaderBytes + save;
    two.content(path).copy(mixed, second, second, second + save);
    one.replace(path, mixed);
    expect(await judge(one)).toContain(`offset ${second + save}: save 3 breaks the chain`);
  });

  test("breaks the chain from segment to segment", async () => {
    const { one, two } = await parted(300);
    const [path = ""] = one.paths().filter((each) => each.endsWith(".segment"));
    expect(newest(one)).not.toBe(path);
    one.replace(path, two.content(path));
    expect(await judge(one)).toMatch(/the chain is broken/);
  });
});

describe("files", () => {
  const segments = (disk: SimulatedDisk) =>
    disk.paths().filter((path) => path.endsWith(".segment"));

  test("a missing segment is damage, wherever it was", async () => {
    const { disk } = await killedLog(12);
    expect(segments(disk).length).toBeGreaterThan(2);
    for (const path of segments(disk)) {
      const hurt = disk.copy();
      hurt.replace(path, null);
      const name = path.slice("log/".length);
      expect(await judge(hurt)).toContain(`${name} is missing`);
    }
  });

  test("all segments or the watermark missing is damage", async () => {
    const { disk } = await killedLog(13);
    const empty = disk.copy();
    for (const path of segments(empty)) empty.replace(path, null);
    expect(await judge(empty)).toMatch(/is missing/);
    disk.replace("log/watermark", null);
    expect(await judge(disk)).toBe("log/watermark is missing");
  });

  test("segments in each other's place or of another log are damage", async () => {
    const { disk } = await killedLog(14);
    const { disk: other } = await killedLog(15);
    const [first = "", second = ""] = segments(disk);
    const swapped = disk.copy();
    swapped.replace(first, disk.content(second));
    swapped.replace(second, disk.content(first));
    expect(await judge(swapped)).toMatch(/was segment 2/);
    const mixed = disk.copy();
    mixed.replace(second, other.content(second));
    expect(await judge(mixed)).toMatch(/does not go on there/);
    const foreign = disk.copy();
    foreign.replace(first, Buffer.alloc(4096, 7));
    expect(await judge(foreign)).toMatch(/0000000000000001\.segment/);
  });

  test("of an older format are refused with a line that says what to do", async () => {
    const { disk } = await killedLog(19);
    const [path = ""] = segments(disk);
    for (const version of [1, 2, 4]) {
      const header = Buffer.from(disk.content(path));
      header.writeUInt32LE(version, 16);
      const bytes = header.readUInt32LE(12);
      header.writeUInt32LE(crc32(header.subarray(12, bytes)), 8);
      const other = disk.copy();
      other.replace(path, header);
      expect(await judge(other)).toBe(`${path}: log format ${version}, this version knows only 3`);
    }
  });

  test("an old copy of the newest segment is noticed when whole segments were added since", async () => {
    const { disk, log } = await killedLog(16, 10);
    const path = newest(disk);
    const old = Buffer.from(disk.content(path));
    await fill(log, 20, 17);
    disk.replace(path, old);
    expect(await judge(disk)).toMatch(/does not go on there/);
  });

  test("foreign names are left alone, and what a crash left half made is removed", async () => {
    const { disk, history } = await killedLog(18);
    disk.replace("log/notes.txt", Buffer.from("mine"));
    disk.replace("log/notes.new", Buffer.from("mine"));
    disk.replace("log/watermark.new", Buffer.alloc(10));
    disk.replace("log/0000000000000099.segment.new", Buffer.alloc(10));
    expect(await judge(disk)).toEqual(history.at(-1));
    expect(disk.paths()).toContain("log/notes.txt");
    expect(disk.paths().filter((path) => path.endsWith(".new"))).toEqual(["log/notes.new"]);
  });
});
