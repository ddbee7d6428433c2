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
  mixed,
} from "../../../src/state/checkpoint/meta.ts";
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
  recordsOf,
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
      // A record that is larger goes alone.
      if (chunk.length > 4_000) expect(chunk.includes(everyByte.repeat(400), "latin1")).toBe(true);
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
    const edges = ["", "a", "m", "r", "r\0\0\0\0\0\0"];
    for (const key of edges) expect(await view.read(Buffer.from(key), 1)).toEqual(first);
    for (const key of ["s", "\xff".repeat(100)]) {
      expect(await view.read(Buffer.from(key, "latin1"), 1)).toBeNull();
    }
  });

  it("may be empty", async () => {
    const log = new TestLog();
    log.run(["set", "a", "1"], ["del", "a"]);
    const view = await viewOf(log);
    expect(await view.read(null, 1_000)).toBeNull();
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

  it("leaves out records of flushed databases that are still there", async () => {
    const path = await temporaryDirectory();
    const log = someLog(3, 60);
    const store = await openCheckpointStore(path);
    await checkpoint(store, log);
    await store.close();
    const old = await recordsOf(path);
    log.run(["flushdb"], ["set", "a", "v"]);
    const again = await openCheckpointStore(path);
    await checkpoint(again, log);
    await again.close();
    const now = new Set((await recordsOf(path)).map(([key]) => key.toString("hex")));
    const gone = old.filter(([key]) => !now.has(key.toString("hex")));
    expect(gone.length).toBeGreaterThan(10);
    await withLevel(path, async (level) => {
      for (const [key, value] of gone) await level.put(key, value);
    });

    const third = await openStore(path);
    await expectCheckpoint(open(await third.view()), stateOf(log.machine));
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
    const staged = await stage(now.metaBytes);
    for (const chunk of await chunksOf(old, () => 1)) {
      expect(await staged.append(chunk)).toBeNull();
    }
    expect(await staged.finish(newMachine())).toBe("database 0 has records of another checkpoint");
  });

  it("when there are more records than the checkpoint has, or records of no database of it", async () => {
    const { view, chunks } = await sent(5);
    const [first, ...others] = view.meta.databases;
    const one = { ...(first as (typeof others)[number]), keys: 1 };
    const less = {
      ...view.meta,
      databases: [one, ...others.map((each) => ({ ...each, keys: 0 }))],
    };
    const few = await stage(encodeMeta(less));
    expect(await few.append(Buffer.concat(chunks))).toBe(
      "there are more records than the checkpoint has",
    );
    const elsewhere = view.meta.databases.map((each, at) => ({ ...each, id: 1_000 + at }));
    const strange = await stage(encodeMeta({ ...view.meta, databases: elsewhere, nextId: 2_000 }));
    expect(await strange.append(chunks[0] as Buffer)).toMatch(/in no database of the checkpoint/);
    expect(strange.records).toBe(0);
  });

  it("when the checkpoint has another number of databases than this program", async () => {
    const meta = { ...(await sent(6)).view.meta, databases: [] };
    const staged = await stage(encodeMeta(meta));
    expect(await staged.finish(newMachine())).toMatch(/has 0 databases, this program 16/);
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
    log.run(["set", "a", "1"]);
    const view = await viewOf(log);
    const [key, value] = recordsIn((await view.read(null, 1_000))?.chunk as Buffer)[0] ?? [];
    for (const content of nonsense(value as Buffer)) {
      const staged = await stage(view.metaBytes);
      const wrong = chunkOf(key as Buffer, withChecksum(key as Buffer, content));
      const problem = (await staged.append(wrong)) ?? (await staged.finish(newMachine()));
      expect(problem).toMatch(/^(record|database) /);
      await staged.close();
    }
  });

  it("when an expiry is no time, although number and digest are right", async () => {
    const log = new TestLog();
    log.run(["set", "a", "1"]);
    const view = await viewOf(log);
    const [key, value] = recordsIn((await view.read(null, 1_000))?.chunk as Buffer)[0] ?? [];
    const time = Buffer.alloc(9, 0x10);
    time.writeDoubleLE(Number.NaN, 1);
    const content = Buffer.concat([time, (value as Buffer).subarray(1, -4)]);
    const wrong = withChecksum(key as Buffer, content);
    const digest = mixed(wrong.readInt32LE(wrong.length - 4));
    const [first, ...others] = view.meta.databases;
    const database = { ...(first as (typeof others)[number]), expires: 1, digest };
    const staged = await stage(encodeMeta({ ...view.meta, databases: [database, ...others] }));
    expect(await staged.append(chunkOf(key as Buffer, wrong))).toBeNull();
    expect(await staged.finish(newMachine())).toMatch(
      /^record 0 .* has an expiry that is no time$/,
    );
  });
});

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

/** The content of a record of "a" with the value "1", changed in ways that no writer ever would. */
function* nonsense(value: Buffer): IterableIterator<Buffer> {
  const content = value.subarray(0, -4);
  yield Buffer.from([0x01, ...content.subarray(1)]); // Another type.
  yield Buffer.from([0x10, ...content.subarray(1)]); // An expiry, and no room for it.
  yield Buffer.from([0x20, 1, 2, 3, 4, 5, 6, 7, 8]);
  yield Buffer.from([0x10, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0]);
  yield Buffer.from([0, 0xff, 0xff, 0xff, 0xff, ...content.subarray(5)]); // A key beyond the end.
  yield Buffer.from([0, 1, 0, 0, 0, ..."b1".split("").map((char) => char.charCodeAt(0))]);
}

/** CRC-32 over the place and the content, as record.ts has it. */
function withChecksum(key: Buffer, content: Buffer): Buffer {
  const seed = (key.readUInt16BE(7) << 18) ^ key.readUInt32BE(9);
  const mixed = (seed ^ Math.imul(key.readUIntBE(1, 6), 0x9e3779b1)) >>> 0;
  const value = Buffer.concat([content, Buffer.alloc(4)]);
  value.writeUInt32LE(crc32(content, mixed), content.length);
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
      expect(await checkpoint(store, own)).toBe(2);
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
