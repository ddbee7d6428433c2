// Random saves, overwrites, cuts, restarts and reopenings against a plain list that does the same.

import fc from "fast-check";
import { expect, test } from "vitest";
import { diskFiles, type Files } from "../../../src/disk.ts";
import { asIndex, asTerm, type Entry } from "../../../src/raft/core/types.ts";
import type { SegmentLog } from "../../../src/raft/storage/segment-log.ts";
import { SimulatedDisk } from "../../support/log-disk.ts";
import {
  contents,
  describeEntry,
  entry,
  hardState,
  membershipEntry,
  noop,
  openLog,
  saved,
  testDirectory,
} from "../../support/log-model.ts";
import { seeded } from "../../support/log-random.ts";
import { MemoryLog } from "../../support/memory-log.ts";

type Step =
  | { readonly do: "save"; readonly back: number; readonly sizes: readonly number[] }
  | { readonly do: "vote"; readonly vote: number | null }
  | { readonly do: "cut"; readonly keep: number }
  | { readonly do: "restart"; readonly ahead: number }
  | { readonly do: "reopen" };

const size = fc.oneof(fc.nat(60), fc.constantFrom(16_384, 16_385, 70_000, 300_000));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("save" as const),
      back: fc.oneof(fc.constant(0), fc.nat(12)),
      sizes: fc.array(size, { minLength: 1, maxLength: 90, size: "medium" }),
    }),
  },
  fc.record({ do: fc.constant("vote" as const), vote: fc.option(fc.integer({ min: 1, max: 7 })) }),
  fc.record({ do: fc.constant("cut" as const), keep: fc.nat(20) }),
  fc.record({ do: fc.constant("restart" as const), ahead: fc.nat(9) }),
  fc.record({ do: fc.constant("reopen" as const) }),
);

/** The plain list; `base` is the index before its first entry. */
interface Model {
  entries: Entry[];
  base: number;
  term: number;
}

function entriesOf(model: Model, back: number, sizes: readonly number[]): Entry[] {
  const kept = Math.max(0, model.entries.length - back);
  if (kept < model.entries.length) model.term += 1;
  const start = model.base + kept + 1;
  return sizes.map((bytes, at): Entry => {
    const index = start + at;
    if (bytes === 0) return noop(model.term, index);
    if (bytes % 10 === 7) return membershipEntry(model.term, index, 1, 1 + bytes);
    return { ...entry(model.term, index), data: Buffer.alloc(bytes, index) };
  });
}

async function apply(log: SegmentLog, model: Model, each: Exclude<Step, { do: "reopen" }>) {
  switch (each.do) {
    case "save": {
      const entries = entriesOf(model, each.back, each.sizes);
      model.entries.splice((entries[0]?.index ?? 0) - model.base - 1);
      model.entries.push(...entries);
      await saved(log, entries);
      return;
    }
    case "vote":
      await saved(log, [], hardState(model.term, each.vote));
      expect(log.hardState).toEqual(hardState(model.term, each.vote));
      return;
    case "cut": {
      const index = Math.max(model.base + 1, log.lastIndex - each.keep);
      log.cutBefore(asIndex(index));
      expect(log.firstIndex).toBeLessThanOrEqual(Math.max(index, model.base + 1));
      model.entries.splice(0, log.firstIndex - 1 - model.base);
      model.base = log.firstIndex - 1;
      return;
    }
    case "restart": {
      model.base = log.lastIndex + each.ahead;
      if (model.base === 0) model.base = 1;
      model.entries = [];
      const base = { term: asTerm(model.term), index: asIndex(model.base) };
      await new Promise<void>((resolve) => {
        log.restart({ base, membership: null }, resolve);
      });
    }
  }
}

function compare(log: SegmentLog, model: Model, part: number): void {
  expect(log.firstIndex).toBe(model.base + 1);
  expect(log.lastIndex).toBe(model.base + model.entries.length);
  const { entries } = model;
  const from = entries.length === 0 ? 0 : part % entries.length;
  if (entries.length === 0) return;
  const found = log.slice(asIndex(model.base + 1 + from), log.lastIndex, 500_000);
  expect(found.length).toBeGreaterThan(0);
  expect(found.map(describeEntry)).toEqual(
    entries.slice(from, from + found.length).map(describeEntry),
  );
  const newest = entries.findLast(({ kind }) => kind === "membership");
  if (newest !== undefined) expect(log.membershipAt(log.lastIndex)?.index).toBe(newest.index);
  expect(entries.map(({ index }) => log.term(index))).toEqual(entries.map(({ term }) => term));
}

test("a segment log holds what a list holds, whatever is done to both", async () => {
  const sizes = fc.constantFrom(
    { segmentBytes: 500, cacheBytes: 0 },
    { segmentBytes: 200_000, cacheBytes: 2_000 },
    { segmentBytes: 10_000_000, cacheBytes: 100_000 },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), sizes, async (steps, options) => {
      const disk = new SimulatedDisk(seeded(1));
      const model: Model = { entries: [], base: 0, term: 1 };
      let log = await openLog({ files: disk, ...options });
      for (const [at, each] of [...steps, { do: "reopen" } as const].entries()) {
        if (each.do === "reopen") {
          await log.close();
          log = await openLog({ files: disk, ...options });
        } else await apply(log, model, each);
        compare(log, model, at * 7);
      }
      await log.close();
      expect(disk.openFiles).toBe(0);
    }),
    { seed: 20, numRuns: 30 },
  );
}, 30_000);

test("entries are found behind many points, through overwritten stretches, on a real disk", async () => {
  const directory = testDirectory();
  const log = await openLog({ directory, segmentBytes: 40_000, cacheBytes: 0 });
  const expected: string[] = [];
  let term = 1;
  for (let round = 0; round < 40; round += 1) {
    const back = round % 3 === 2 ? 130 : 0;
    if (back > 0) term += 1;
    expected.length -= back;
    const entries: Entry[] = [];
    for (let count = 0; count < 200; count += 1) {
      entries.push(entry(term, expected.length + count + 1, `${round}:${count}`));
    }
    expected.push(...entries.map(describeEntry));
    await saved(log, entries);
  }
  expect(contents(log).entries).toEqual(expected);
  for (let index = 1; index <= log.lastIndex; index += 61) {
    const [found] = log.slice(asIndex(index), asIndex(index), 1);
    expect(found === undefined ? "" : describeEntry(found)).toBe(expected[index - 1]);
  }
  await log.close();
  const reopened = await openLog({ directory });
  expect(contents(reopened).entries).toEqual(expected);
  await reopened.close();
}, 30_000);

/** Counts what a log reads. */
function countReads(files: Files): { readonly files: Files; readonly sizes: number[] } {
  const sizes: number[] = [];
  const counting: Files = {
    ...files,
    read(fd, into, position) {
      sizes.push(into.length);
      return files.read(fd, into, position);
    },
  };
  return { files: counting, sizes };
}

test("a long stretch of small entries is read in one piece, and the entries are views into it", async () => {
  const { files, sizes } = countReads(diskFiles);
  const log = await openLog({ directory: testDirectory(), cacheBytes: 0, files });
  for (let round = 0; round < 20; round += 1) {
    const first = log.lastIndex + 1;
    await saved(
      log,
      [...Array(100).keys()].map((nth) => entry(1, first + nth, "x".repeat(150))),
    );
  }
  sizes.length = 0;
  const entries = log.slice(log.firstIndex, log.lastIndex, 2 ** 20);
  expect(entries).toHaveLength(2000);
  expect(sizes).toHaveLength(1);
  // The newest entry stays in memory.
  expect(new Set(entries.slice(0, -1).map(({ data }) => data.buffer)).size).toBe(1);
  sizes.length = 0;
  expect(log.slice(asIndex(700), asIndex(700), 2 ** 20)).toHaveLength(1);
  expect(sizes).toHaveLength(1);
  expect(sizes[0]).toBeLessThan(130_000);
  await log.close();
});

test("one read takes a mebibyte at most, or one larger entry", async () => {
  const { files, sizes } = countReads(diskFiles);
  const log = await openLog({ directory: testDirectory(), cacheBytes: 0, files });
  for (let index = 1; index <= 30; index += 1) {
    await saved(log, [entry(1, index, "y".repeat(index === 20 ? 3_000_000 : 100_000))]);
  }
  sizes.length = 0;
  const entries = log.slice(log.firstIndex, log.lastIndex, Number.POSITIVE_INFINITY);
  expect(entries.map(({ data }) => data.length)).toContain(3_000_000);
  expect(entries).toHaveLength(30);
  expect(sizes.filter((size) => size > 2 ** 20)).toEqual([3_000_032]);
  expect(sizes.length).toBeLessThan(10);
  await log.close();
});

test("a save in memory that was not flushed is lost in a crash, and its done never comes", () => {
  const log = new MemoryLog({ flushOn: "call" });
  const done: string[] = [];
  log.save({ hardState: hardState(1, 1), entries: [entry(1, 1)] }, () => done.push("first"));
  expect(log.lastIndex).toBe(0);
  log.flush();
  expect(log.lastIndex).toBe(1);
  log.save({ hardState: hardState(2, 2), entries: [entry(2, 2)] }, () => done.push("second"));
  expect(log.saving).toBe(true);
  log.crash();
  log.flush();
  expect(done).toEqual(["first"]);
  expect(contents(log)).toMatchObject({ last: 1, hardState: { term: 1, votedFor: 1 } });
});
