import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { ChunkBuilder } from "../../../src/state/checkpoint/chunk.ts";
import { CheckpointError } from "../../../src/state/checkpoint/level.ts";
import {
  type CheckpointMeta,
  recordsOf as countOf,
  decodeMeta,
  encodeMeta,
  metaKey,
} from "../../../src/state/checkpoint/meta.ts";
import {
  RecordKeyReader,
  type RecordKind,
  recordKey,
} from "../../../src/state/checkpoint/record-key.ts";
import { openCheckpointStore } from "../../../src/state/checkpoint/store.ts";
import {
  type CheckpointView,
  openView,
  StagedCheckpoint,
} from "../../../src/state/checkpoint/transfer.ts";
import type { Machine } from "../../../src/state/execution/machine.ts";
import {
  checkpoint,
  goOnAlike,
  openStore,
  randomEntry,
  temporaryDirectory,
  withLevel,
} from "../../support/state-checkpoint.ts";
import { newMachine, readGet, readRandom, stateOf, TestLog } from "../../support/state-log.ts";
import { Dice } from "../../support/state-random.ts";

const everyByte = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");

/** A log of every kind of value, with databases that were swapped and flushed. */
function someLog(seed: number, entries = 200): TestLog {
  const log = new TestLog();
  const dice = new Dice(seed);
  for (let entry = 0; entry < entries; entry++) randomEntry(log, dice);
  log.run(
    ["set", everyByte, everyByte],
    ["set", "", ""],
    ["set", "large", everyByte.repeat(400)],
    ["set", "soon", "v"],
    ["expireat", "soon", String(log.nowMs + 40)],
    ["far", everyByte],
    ["expireat", "large", "1700000900000.5"],
    { words: ["set", "elsewhere", "v"], database: 15 },
    ["swapdb", "3", "15"],
  );
  return log;
}

/** The checkpoint of a log's machine, to read from. */
async function viewOf(log: TestLog): Promise<CheckpointView> {
  const store = await openStore(await temporaryDirectory());
  await checkpoint(store, log);
  return open(await store.view());
}

/** The checkpoints before and after one request. */
async function twoViews(
  log: TestLog,
  request: readonly string[],
): Promise<[CheckpointView, CheckpointView]> {
  const store = await openStore(await temporaryDirectory());
  await checkpoint(store, log);
  const before = open(await store.view());
  log.run(request);
  await checkpoint(store, log);
  return [before, open(await store.view())];
}

function open(view: CheckpointView | null): CheckpointView {
  expect(view).not.toBeNull();
  return view as CheckpointView;
}

async function stage(metaBytes: Buffer): Promise<StagedCheckpoint> {
  const directory = join(await temporaryDirectory(), "staging");
  const staged = await StagedCheckpoint.create(directory, metaBytes);
  onTestFinished(() => staged.close());
  return staged;
}

/** All chunks, of sizes that may differ. */
async function chunksOf(view: CheckpointView, size: () => number): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  let after: Buffer | null = null;
  for (;;) {
    const part = await view.read(after, size());
    if (part === null) return chunks;
    chunks.push(part.chunk);
    after = part.last;
  }
}

/** The whole way: what arrived, and the directory that holds it. */
async function transfer(
  view: CheckpointView,
  size: () => number,
  machine: Machine,
): Promise<StagedCheckpoint> {
  const staged = await stage(view.metaBytes);
  for (const chunk of await chunksOf(view, size)) expect(await staged.append(chunk)).toBeNull();
  expect(await staged.finish(machine)).toBeNull();
  await staged.close();
  return staged;
}

async function expectCheckpoint(view: CheckpointView, state: unknown): Promise<void> {
  const machine = newMachine();
  await transfer(view, () => 5_000, machine);
  expect(stateOf(machine)).toEqual(state);
}

describe("a checkpoint that is sent to another node", () => {
  it("makes a machine there that cannot be told from the one here, whatever the size of a chunk", async () => {
    for (const [seed, size] of [1, 100, 3_000, 64 * 1024, 1 << 30].entries()) {
      const log = someLog(seed);
      const machine = newMachine(seed);
      await transfer(await viewOf(log), () => size, machine);
      goOnAlike(log, machine, () => new Dice(seed));
    }
  });

  it("has one record in a chunk at least, and all of them at most", async () => {
    const view = await viewOf(someLog(1));
    const records = countOf(view.meta);
    expect(records).toBeGreaterThan(100);
    expect(await chunksOf(view, () => 1)).toHaveLength(records);
    expect(await chunksOf(view, () => 1 << 30)).toHaveLength(1);
    for (const chunk of await chunksOf(view, () => 4_000)) {
      // A record that is larger, the part of a long value, goes alone.
      if (chunk.length > 4_000) expect(recordsIn(chunk)).toHaveLength(1);
    }
  });

  it("goes on where it stopped, after any record", async () => {
    const log = someLog(2, 60);
    const view = await viewOf(log);
    const whole = await chunksOf(view, () => 1);
    const staged = await stage(view.metaBytes);
    let after: Buffer | null = null;
    for (const [at, chunk] of whole.entries()) {
      expect((await view.read(after, 1))?.chunk).toEqual(chunk);
      expect(await staged.append(chunk)).toBeNull();
      expect(staged.records).toBe(at + 1);
      after = staged.lastKey;
    }
    expect(staged.bytes).toBe(Buffer.concat(whole).length);
    expect(await view.read(after, 1)).toBeNull();
    expect(await staged.finish(newMachine())).toBeNull();
  });

  it("can be asked to go on after any bytes", async () => {
    const view = await viewOf(someLog(3, 20));
    const first = await view.read(null, 1);
    const edges = ["", "a", "m", "o", "o\0\0\0\0\0\0"];
    for (const key of edges) expect(await view.read(Buffer.from(key), 1)).toEqual(first);
    for (const key of ["s", "\xff".repeat(100)]) {
      expect(await view.read(Buffer.from(key, "latin1"), 1)).toBeNull();
    }
  });

  it("may be empty", async () => {
    const log = new TestLog();
    log.tick();
    const view = await viewOf(log);
    expect(await view.read(null, 1_000)).toBeNull();
    await expectCheckpoint(view, stateOf(log.machine));
  });

  it("may hold no key any more", async () => {
    const log = new TestLog();
    log.run(["set", "a", "1"], ["del", "a"]);
    const view = await viewOf(log);
    expect(view.meta).toMatchObject({ keys: 0, origins: 1, partitions: 1 });
    await expectCheckpoint(view, stateOf(log.machine));
  });

  it("is on disk for a later start once it is finished, and goes on from there", async () => {
    const log = someLog(4);
    const before = stateOf(log.machine);
    const staged = await transfer(await viewOf(log), () => 900, newMachine());
    expect(statSync(staged.directory).mode & 0o777).toBe(0o700);
    const store = await openStore(staged.directory);
    const machine = newMachine(7);
    expect(await store.load(machine)).toMatchObject({ appliedIndex: log.machine.appliedIndex });
    expect(stateOf(machine)).toEqual(before);
  });

  it("counts for nothing before it is finished", async () => {
    const view = await viewOf(someLog(5, 30));
    const staged = await stage(view.metaBytes);
    for (const chunk of await chunksOf(view, () => 900)) await staged.append(chunk);
    await staged.close();
    const store = await openStore(staged.directory);
    await expect(store.load(newMachine())).rejects.toThrow("there are records, but no meta record");
  });

  it("takes the place of whatever was staged before", async () => {
    const view = await viewOf(someLog(6, 30));
    const directory = join(await temporaryDirectory(), "staging");
    mkdirSync(directory);
    writeFileSync(join(directory, "CURRENT"), "nonsense");
    for (let round = 0; round < 2; round++) {
      const staged = await StagedCheckpoint.create(directory, view.metaBytes);
      expect(staged.lastKey).toHaveLength(0);
      expect(await staged.append((await chunksOf(view, () => 900))[0] as Buffer)).toBeNull();
      await staged.close();
    }
    expect(readdirSync(directory)).not.toContain("nonsense");
  });

  it("is refused by a disk with a CheckpointError", async () => {
    const view = await viewOf(someLog(7, 5));
    const file = join(await temporaryDirectory(), "file");
    writeFileSync(file, "");
    const creating = StagedCheckpoint.create(join(file, "below"), view.metaBytes);
    await expect(creating).rejects.toBeInstanceOf(CheckpointError);
    const staged = await stage(view.metaBytes);
    await staged.close();
    const chunk = (await view.read(null, 100))?.chunk as Buffer;
    await expect(staged.append(chunk)).rejects.toBeInstanceOf(CheckpointError);
  });
});

describe("a view", () => {
  it("shows its checkpoint whatever is written after it, flushed databases included", async () => {
    const store = await openStore(await temporaryDirectory());
    const log = someLog(1);
    const dice = new Dice(1);
    const views: [CheckpointView, unknown][] = [];
    for (let round = 0; round < 4; round++) {
      await checkpoint(store, log);
      views.push([open(await store.view()), stateOf(log.machine)]);
      for (let entry = 0; entry < 40; entry++) randomEntry(log, dice);
      log.run({ words: ["flushdb"], database: round }, ["set", `round${round}`, "v"]);
    }
    await checkpoint(store, log);
    for (const [view, state] of views) await expectCheckpoint(view, state);
    for (const [view] of views) await view.close();
    await expectCheckpoint(open(await store.view()), stateOf(log.machine));
  });

  it("shows the last whole checkpoint while the next one is written", async () => {
    const store = await openStore(await temporaryDirectory());
    const log = someLog(2);
    await checkpoint(store, log);
    const state = stateOf(log.machine);
    const reading: Promise<void>[] = [];
    const read = async () => expectCheckpoint(open(await store.view()), state);
    log.run(["flushdb"], ...Array.from({ length: 50 }, (_, nth) => ["set", `k${nth}`, "new"]));
    await checkpoint(store, log, () => void reading.push(read()), 600);
    expect(reading.length).toBeGreaterThan(1);
    await Promise.all(reading);
    await expectCheckpoint(open(await store.view()), stateOf(log.machine));
  });

  it("has the meta record that goes with its records, although the next one comes in between", async () => {
    const path = await temporaryDirectory();
    const store = await openCheckpointStore(path);
    await checkpoint(store, someLog(8, 10));
    const { meta } = open(await store.view());
    await store.close();
    await withLevel(path, async (level) => {
      const get = level.get.bind(level);
      const later = encodeMeta({ ...meta, appliedIndex: meta.appliedIndex + 1 });
      Object.assign(level, {
        async get(...request: Parameters<typeof get>) {
          await level.put(metaKey, later);
          return get(...request);
        },
      });
      const view = await openView(level, (bytes) => decodeMeta(bytes) as CheckpointMeta);
      expect(open(view).meta).toEqual(meta);
    });
  });

  it("is null as long as there is no checkpoint, and refused when its meta record is damaged", async () => {
    const path = await temporaryDirectory();
    const store = await openCheckpointStore(path);
    expect(await store.view()).toBeNull();
    await store.close();
    await withLevel(path, (level) => level.put(Buffer.from("m"), Buffer.from("nonsense")));
    await expect((await openStore(path)).view()).rejects.toThrow(/damaged.*wrong checksum/);
  });

  it("ends with its store, and cannot be read after it was closed", async () => {
    const path = await temporaryDirectory();
    const store = await openCheckpointStore(path);
    await checkpoint(store, someLog(4, 10));
    const [first, second] = [open(await store.view()), open(await store.view())];
    await first.close();
    await first.close();
    await expect(first.read(null, 100)).rejects.toBeInstanceOf(CheckpointError);
    expect(await second.read(null, 100)).not.toBeNull();
    await store.close();
    await expect(second.read(null, 100)).rejects.toBeInstanceOf(CheckpointError);
    await second.close();
  });
});

/** A checkpoint in chunks. */
interface Sent {
  readonly view: CheckpointView;
  readonly chunks: readonly Buffer[];
  readonly state: unknown;
}

async function sent(seed: number): Promise<Sent> {
  const log = someLog(seed, 30);
  const view = await viewOf(log);
  const dice = new Dice(seed);
  const chunks = await chunksOf(view, () => 100 + dice.below(400));
  expect(chunks.length).toBeGreaterThan(5);
  return { view, chunks, state: stateOf(log.machine) };
}

async function expectRefused(staged: StagedCheckpoint, wrong: Buffer, words = /./): Promise<void> {
  const before = [staged.lastKey, staged.records, staged.bytes];
  expect(await staged.append(wrong)).toMatch(words);
  expect([staged.lastKey, staged.records, staged.bytes]).toEqual(before);
}

/** Takes the right chunks; before each one `wrong` may try others. */
async function expectWhole(
  { view, chunks, state }: Sent,
  wrong: (staged: StagedCheckpoint, at: number) => Promise<void>,
): Promise<void> {
  const staged = await stage(view.metaBytes);
  for (const [at, chunk] of chunks.entries()) {
    await wrong(staged, at);
    expect(await staged.append(chunk)).toBeNull();
  }
  const machine = newMachine();
  expect(await staged.finish(machine)).toBeNull();
  expect(stateOf(machine)).toEqual(state);
}

/** Ways to damage a chunk, each at some place. */
const damages = {
  flip(chunk: Buffer, place: number): Buffer {
    const changed = Buffer.from(chunk);
    const byte = (place >> 3) % chunk.length;
    changed.writeUInt8(changed.readUInt8(byte) ^ (1 << (place & 7)), byte);
    return changed;
  },
  cut: (chunk: Buffer, place: number): Buffer => chunk.subarray(0, cutWithinRecord(chunk, place)),
  lengthen: (chunk: Buffer, place: number): Buffer =>
    Buffer.concat([chunk, Buffer.alloc(1 + (place % 40))]),
};

describe("what a peer sends is refused in words", () => {
  it("when any bit of a chunk has changed, or a chunk is cut short or too long", async () => {
    const base = await sent(1);
    const anyDamage = fc.constantFrom(damages.flip, damages.cut, damages.lengthen);
    await expectWhole(base, (staged, at) =>
      fc.assert(
        fc.asyncProperty(anyDamage, fc.nat(), (damage, place) =>
          expectRefused(staged, damage(base.chunks[at] as Buffer, place)),
        ),
        { seed: at },
      ),
    );
  });

  it("when a chunk ends anywhere within a record", async () => {
    const { view, chunks } = await sent(8);
    const staged = await stage(view.metaBytes);
    const [key, value] = recordsIn(chunks[0] as Buffer)[0] as [Buffer, Buffer];
    const chunk = chunkOf(key, value);
    for (let length = 1; length < chunk.length; length++) {
      expect(await staged.append(chunk.subarray(0, length))).toBe("a chunk ends within a record");
    }
    expect(await staged.append(chunk)).toBeNull();
  });

  it("when sound records come before the fault: they are not kept", async () => {
    const log = new TestLog();
    log.run(["set", "{t}a", "1"], ["set", "{t}b", "1"], ["set", "{t}c", "1"]);
    const [older, view] = await twoViews(log, ["del", "{t}c"]);
    const chunks = await chunksOf(view, () => 1);
    const wrong = Buffer.concat([...(await chunksOf(older, () => 1)).slice(2), Buffer.from("?")]);
    await expectWhole({ view, chunks, state: stateOf(log.machine) }, (staged, at) =>
      expectRefused(staged, at === 0 ? wrong : Buffer.from("?"), /within a record/),
    );
  });

  it("when a chunk comes again, or one that was before it", async () => {
    const base = await sent(2);
    await expectWhole(base, async (staged, at) => {
      for (const earlier of base.chunks.slice(0, at)) {
        await expectRefused(staged, earlier, /out of order/);
      }
    });
  });

  it("when a chunk is missing: at the end at the latest", async () => {
    const { view, chunks } = await sent(3);
    for (let missing = 0; missing < chunks.length; missing++) {
      const staged = await stage(view.metaBytes);
      for (const chunk of chunks.toSpliced(missing, 1)) await staged.append(chunk);
      expect(await staged.finish(newMachine())).toMatch(/^\d+ of \d+ records are there$/);
      await staged.close();
    }
  });

  it("when chunks come in another order: at the end at the latest", async () => {
    const { view, chunks } = await sent(4);
    for (let at = 0; at + 1 < chunks.length; at++) {
      const staged = await stage(view.metaBytes);
      const [first, second] = chunks.slice(at, at + 2) as [Buffer, Buffer];
      const problems = [];
      for (const chunk of chunks.with(at, second).with(at + 1, first)) {
        problems.push(await staged.append(chunk));
      }
      problems.push(await staged.finish(newMachine()));
      expect(problems.filter((problem) => problem !== null).length).toBeGreaterThan(0);
      expect(problems.at(-1)).not.toBeNull();
      await staged.close();
    }
  });

  it("when the records are those of another checkpoint", async () => {
    const log = new TestLog();
    log.run(["set", "a", "1"], ["set", "b", "1"]);
    const [old, now] = await twoViews(log, ["set", "b", "2"]);
    const earlier = await recordsOfView(old);
    expect(await refusalOf(now.metaBytes, earlier)).toBe("there are records of another checkpoint");
    // The rows are right here, and one of the keys is as it was before.
    const mixture = (await recordsOfView(now)).map(([key, value], at) =>
      kindOf(key) === "record" ? (earlier[at] as [Buffer, Buffer]) : ([key, value] as const),
    );
    expect(await refusalOf(now.metaBytes, mixture)).toMatch(
      /^partition \d+ has records of another checkpoint$/,
    );
  });

  it("when there are more records than the checkpoint has", async () => {
    const { view, chunks } = await sent(5);
    const few = await stage(encodeMeta({ ...view.meta, keys: 1, parts: 0 }));
    expect(await few.append(Buffer.concat(chunks))).toBe(
      "there are more records than the checkpoint has",
    );
  });

  it("when a partition is in no database of the checkpoint", async () => {
    const { view } = await sent(5);
    const elsewhere = view.meta.databases.map((each, at) => ({ ...each, id: 1_000 + at }));
    const meta = encodeMeta({ ...view.meta, databases: elsewhere, nextId: 2_000 });
    expect(await refusalOf(meta, await recordsOfView(view))).toMatch(
      /^partition \d+ is in no database$/,
    );
  });

  it("when an id is one that the checkpoint has yet to give", async () => {
    const log = new TestLog();
    log.run(["set", "a", "1"], ["set", "b", "b".repeat(20_000)]);
    const view = await viewOf(log);
    const records = await recordsOfView(view);
    expect(await refusalOf(encodeMeta(view.meta), records)).toBeNull();
    for (const [change, words] of [
      [{ nextPartition: 2 }, "partition 2 has an id that is yet to come"],
      [{ nextObject: 1 }, "part 0 of object 1 has an id that is yet to come"],
    ] as const) {
      expect(await refusalOf(encodeMeta({ ...view.meta, ...change }), records)).toBe(words);
    }
  });

  it("when the checkpoint has another number of databases than this program", async () => {
    const { view } = await sent(6);
    const meta = encodeMeta({ ...view.meta, databases: [] });
    expect(await refusalOf(meta, await recordsOfView(view))).toMatch(
      /has 0 databases, this program 16/,
    );
  });

  it("when it is random, and nothing of what its lengths say is allocated", async () => {
    const { view } = await sent(7);
    const staged = await stage(view.metaBytes);
    const dice = new Dice(7);
    for (let round = 0; round < 2_000; round++) {
      const chunk = Buffer.from(Array.from({ length: dice.below(60) }, () => dice.below(256)));
      if (dice.below(2) === 0 && chunk.length >= 7) {
        chunk.writeUInt16LE(dice.below(20), 0);
        chunk.writeUInt32LE(dice.below(2) === 0 ? 0xffffffff : dice.below(60), 2);
        chunk.writeUInt8("r".charCodeAt(0), 6);
      }
      expect(await staged.append(chunk)).toMatch(/./);
    }
    expect([staged.records, staged.bytes, staged.lastKey.length]).toEqual([0, 0, 0]);
    expect(await staged.append(Buffer.alloc(0))).toBe("a chunk has no record");
  });

  it("when a record has a right checksum and a content that makes no sense", async () => {
    const log = new TestLog();
    log.run(["set", "a", "1"], ["set", "b", "b".repeat(70_000)]);
    const view = await viewOf(log);
    const records = await recordsOfView(view);
    let refused = 0;
    for (const [at, [key, value]] of records.entries()) {
      for (const content of nonsense(kindOf(key), value)) {
        const wrong = [key, withChecksum(key, content)] as const;
        expect(await refusalOf(view.metaBytes, records.with(at, wrong))).toMatch(
          /^(record|part|o)/,
        );
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(30);
  });

  it("when an expiry is no time", async () => {
    const log = new TestLog();
    log.run(["set", "a", "1"]);
    const view = await viewOf(log);
    const records = await recordsOfView(view);
    const [key, value] = records.at(-1) as [Buffer, Buffer];
    const time = Buffer.alloc(9, 0x10);
    time.writeDoubleLE(Number.NaN, 1);
    const wrong = withChecksum(key, Buffer.concat([time, value.subarray(1, -4)]));
    expect(await refusalOf(view.metaBytes, records.with(-1, [key, wrong]))).toMatch(
      /^record 0 .* has an expiry that is no time$/,
    );
  });

  it("when parts of a long value are missing, left over or in another order", async () => {
    const log = new TestLog();
    log.run(["set", "a", "a".repeat(200_000)], ["set", "b", "b".repeat(20_000)]);
    const view = await viewOf(log);
    const records = await recordsOfView(view);
    const meta = (parts: number) => encodeMeta({ ...view.meta, parts: view.meta.parts + parts });
    const parts = records.flatMap(([key], at) => (kindOf(key) === "part" ? [at] : []));
    expect(parts).toHaveLength(5);
    const [first = 0, , , last = 0] = parts;
    expect(await refusalOf(meta(-1), records.toSpliced(first, 1))).toBe(
      "part 1 of object 1 follows part -1",
    );
    expect(await refusalOf(meta(-1), records.toSpliced(first + 1, 1))).toBe(
      "part 2 of object 1 follows part 0",
    );
    const notThere = /^record 0 of partition \d has a value whose parts are not there$/;
    expect(await refusalOf(meta(-1), records.toSpliced(last, 1))).toMatch(notThere);
    const key = recordKey("part", 1, 4);
    const more = [key, withChecksum(key, Buffer.from("more"))] as const;
    expect(await refusalOf(meta(1), records.toSpliced(last + 1, 0, more))).toMatch(notThere);
    const whole = recordKey("part", 2, 1);
    const long = [whole, withChecksum(whole, Buffer.alloc(70_000))] as const;
    expect(await refusalOf(meta(1), records.toSpliced(last + 2, 0, long))).toBe(
      "part 1 of object 2 has a wrong length",
    );
    // Two keys name one value.
    const [a, b] = records.slice(-2) as [[Buffer, Buffer], [Buffer, Buffer]];
    const content = Buffer.from(b[1].subarray(0, -4));
    a[1].copy(content, content.length - 12, a[1].length - 16, a[1].length - 4);
    const same = records.with(-1, [b[0], withChecksum(b[0], content)]);
    expect(await refusalOf(meta(0), same)).toMatch(notThere);
  });
});

const kindOf = (key: Buffer): RecordKind => {
  const reader = new RecordKeyReader();
  expect(reader.read(key)).toBe(true);
  return reader.kind;
};

async function recordsOfView(view: CheckpointView): Promise<(readonly [Buffer, Buffer])[]> {
  return (await chunksOf(view, () => 1 << 30)).flatMap(recordsIn);
}

/** What is said of records, when they come or at the end; null when they are a checkpoint. */
async function refusalOf(
  metaBytes: Buffer,
  records: readonly (readonly [Buffer, Buffer])[],
): Promise<string | null> {
  const staged = await stage(metaBytes);
  const chunk = Buffer.concat(records.map(([key, value]) => chunkOf(key, value)));
  const problem = (await staged.append(chunk)) ?? (await staged.finish(newMachine()));
  await staged.close();
  return problem;
}

/** A length at which some record of the chunk is cut in two. */
function cutWithinRecord(chunk: Buffer, place: number): number {
  const ends = [0];
  for (const [key, value] of recordsIn(chunk)) {
    ends.push((ends.at(-1) as number) + 6 + key.length + value.length);
  }
  const length = place % chunk.length;
  return ends.includes(length) && length > 0 ? length + 1 : length;
}

function recordsIn(chunk: Buffer): [Buffer, Buffer][] {
  const records: [Buffer, Buffer][] = [];
  for (let at = 0; at < chunk.length; ) {
    const valueAt = at + 6 + chunk.readUInt16LE(at);
    const end = valueAt + chunk.readUInt32LE(at + 2);
    records.push([chunk.subarray(at + 6, valueAt), chunk.subarray(valueAt, end)]);
    at = end;
  }
  return records;
}

function chunkOf(key: Buffer, value: Buffer): Buffer {
  const builder = new ChunkBuilder(1);
  builder.add(key, value);
  return builder.take()?.chunk as Buffer;
}

/** The content of a record, changed in ways that no writer ever would. */
function* nonsense(kind: RecordKind, value: Buffer): IterableIterator<Buffer> {
  const content = value.subarray(0, -4);
  if (kind === "record") yield* nonsenseRecords(content);
  else if (kind === "part") yield Buffer.alloc(64 * 1024 + 1);
  else {
    yield content.subarray(1);
    yield Buffer.concat([content, Buffer.alloc(1)]);
  }
  if (kind !== "partition") return;
  // Of another database, with another number, with other keys, expiries and bytes, and another digest.
  for (const at of [0, 6, 8, 12, 23, 24]) {
    const changed = Buffer.from(content);
    changed.writeUInt8(changed.readUInt8(at) ^ 0x5a, at);
    yield changed;
  }
}

function* nonsenseRecords(content: Buffer): IterableIterator<Buffer> {
  const first = content.readUInt8(0);
  const isLong = (first & 0x40) !== 0;
  yield Buffer.from([first | 0x0f, ...content.subarray(1)]); // Another type.
  yield Buffer.from([0x80 | first, ...content.subarray(1)]); // An unknown flag.
  yield Buffer.from([0x10 | first, ...content.subarray(1, 6)]); // An expiry, and no room for it.
  yield Buffer.from([0x20 | first, 1, 2, 3, 4, 5, 6, 7, 8]);
  yield Buffer.from([0x10 | first, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0]);
  yield Buffer.from([first, 0xff, 0xff, 0xff, 0xff, ...content.subarray(5)]); // A key beyond the end.
  yield Buffer.from([0, 1, 0, 0, 0, ..."c1".split("").map((char) => char.charCodeAt(0))]);
  yield Buffer.concat([Buffer.from([0, 1, 0, 0, 0, 0x61]), Buffer.alloc(16 * 1024 + 1)]); // Too long for a record.
  if (!isLong) return;
  for (const [object, length] of [
    [0, 70_000], // Nobody's object.
    [9, 70_000], // One that is not there.
    [1, 65_536], // All of it in fewer parts.
    [1, 131_073], // In more.
    [1, 69_999], // Shorter than its bytes.
    [1, 16 * 1024], // Short enough for a record.
  ] as const) {
    const changed = Buffer.from(content);
    changed.writeUIntLE(object, changed.length - 12, 6);
    changed.writeUIntLE(length, changed.length - 6, 6);
    yield changed;
  }
  yield content.subarray(0, -1);
}

/** As record.ts has it: the checksum begins with the key. */
function withChecksum(key: Buffer, content: Buffer): Buffer {
  const reader = new RecordKeyReader();
  reader.read(key);
  const value = Buffer.concat([content, Buffer.alloc(4)]);
  value.writeUInt32LE(crc32(content, reader.seed), content.length);
  return value;
}

describe("a machine that adopts another one", () => {
  /** A node that is behind, and what a snapshot brings it. Both have lived through the same log. */
  async function behindAndAhead(seed: number) {
    const log = someLog(seed, 40);
    const behind = newMachine(100 + seed);
    for (const entry of log.entries) behind.apply(entry, null);
    const dice = new Dice(seed);
    for (let entry = 0; entry < 150; entry++) randomEntry(log, dice);
    const arrived = newMachine(200 + seed);
    const staged = await transfer(await viewOf(log), () => 2_000, arrived);
    return { log, behind, arrived, staged };
  }

  it("cannot be told from it, through whatever was held of it before", async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const { log, behind, arrived } = await behindAndAhead(seed);
      const { keyspace, origins } = behind;
      const { databases, counters } = keyspace;
      counters.expiredKeys = 77;
      behind.adopt(arrived);
      expect(behind.keyspace).toBe(keyspace);
      expect(keyspace.databases).toBe(databases);
      expect(keyspace.counters).toBe(counters);
      expect(behind.origins).toBe(origins);
      expect(origins.list()).toEqual(log.machine.origins.list());
      expect(counters).toMatchObject({ changes: 0, expiredKeys: 77 }); // Of this node alone.
      goOnAlike(log, behind, () => new Dice(seed));
    }
  });

  it("reads and expires by the new content at once", async () => {
    const { log, behind, arrived } = await behindAndAhead(4);
    log.run(["set", "soon", "new"], ["expireat", "soon", String(log.nowMs + 50)]);
    for (const entry of log.entries.slice(-1)) arrived.apply(entry, null);
    behind.adopt(arrived);
    expect(behind.read(readGet, 0, ["get", "soon"], 0, Math.random)).toBe("new");
    expect(behind.nextDueAt()).toBe(log.machine.nextDueAt());
    const random = (machine: Machine) => machine.read(readRandom, 1, ["random"], 0, () => 0.7);
    expect(random(behind)).toBe(random(log.machine));
    log.machines.push(behind);
    log.nowMs += 60;
    log.tick();
    expect(behind.read(readGet, 0, ["get", "soon"], 0, Math.random)).toBeNull();
    expect(stateOf(behind)).toEqual(stateOf(log.machine));
  });

  it("writes only what changed since to the checkpoint that came with it", async () => {
    for (let seed = 5; seed <= 8; seed++) {
      const { log, behind, arrived, staged } = await behindAndAhead(seed);
      behind.adopt(arrived);
      const store = await openStore(staged.directory);
      const own = new TestLog([behind, log.machine]);
      expect(await checkpoint(store, own)).toBe(0);

      log.machines.push(behind);
      log.run(["set", "new", "v"], ["append", "large", "!"]);
      // Both keys, the rows of their partitions, and that of the origin.
      expect(await checkpoint(store, own)).toBe(2 + 2 + 1);
      const dice = new Dice(seed);
      for (let entry = 0; entry < 60; entry++) randomEntry(log, dice);
      log.run({ words: ["flushdb"], database: 1 });
      await checkpoint(store, own, () => randomEntry(log, dice), 7);
      await checkpoint(store, own);
      const restored = newMachine(seed);
      await store.load(restored);
      goOnAlike(log, restored, () => new Dice(seed));
    }
  });

  it("tells how far the writes of a node's life have come", async () => {
    const { log, behind, arrived } = await behindAndAhead(9);
    const highest = log.machine.origins.highest(1, 1);
    expect(behind.origins.highest(1, 1)).toBeLessThan(highest);
    behind.adopt(arrived);
    expect(behind.origins.highest(1, 1)).toBe(highest);
    expect(behind.origins.highest(1, 2)).toBe(0);
    expect(behind.origins.highest(2, 1)).toBe(0);
  });

  it("never goes back", async () => {
    const { behind, arrived } = await behindAndAhead(10);
    expect(() => arrived.adopt(behind)).toThrow(/takes the place of/);
  });
});
