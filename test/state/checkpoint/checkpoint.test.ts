import { readdirSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { partitionCount } from "../../../src/constants.ts";
import { CheckpointError } from "../../../src/state/checkpoint/level.ts";
import {
  checkpointFormat,
  decodeMeta,
  encodeHalfDone,
  encodeMeta,
  metaKey,
} from "../../../src/state/checkpoint/meta.ts";
import { Restorer } from "../../../src/state/checkpoint/restore.ts";
import { openCheckpointStore } from "../../../src/state/checkpoint/store.ts";
import {
  checkpoint,
  context,
  temporaryDirectory as directory,
  goOnAlike,
  openStore as open,
  randomEntry,
  recordsOf,
  withLevel,
} from "../../support/state-checkpoint.ts";
import { newMachine, stateOf, TestLog } from "../../support/state-log.ts";
import { Dice } from "../../support/state-random.ts";

describe("a checkpoint", () => {
  it("brings back a machine that cannot be told from the one before", async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const path = await directory();
      const log = new TestLog();
      const dice = new Dice(seed);
      for (let entry = 0; entry < 300; entry++) randomEntry(log, dice);
      const store = await openCheckpointStore(path);
      await checkpoint(store, log);
      await store.close();

      const restored = newMachine(seed);
      const meta = await (await open(path)).load(restored);
      expect(meta).toMatchObject({ ...context, appliedIndex: 300 });
      goOnAlike(log, restored, () => new Dice(seed));
    }
  });

  it("is the state at the entry at which it began, whatever is applied while it is written", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const store = await open(await directory());
      const log = new TestLog();
      const dice = new Dice(seed);
      for (let round = 0; round < 5; round++) {
        for (let entry = dice.below(60); entry > 0; entry--) randomEntry(log, dice);
        const before = stateOf(log.machine);
        const between = () => {
          for (let entry = dice.below(4); entry > 0; entry--) randomEntry(log, dice);
        };
        await checkpoint(store, log, between, 1 + dice.below(300));
        const restored = newMachine(seed);
        await store.load(restored);
        expect(stateOf(restored)).toEqual(before);
        restored.keyspace.check();
      }
      // And again from the machine that came back, as after a restart.
      const restored = new TestLog([newMachine()]);
      await store.load(restored.machine);
      restored.nowMs = log.nowMs;
      restored.append(
        new Uint8Array(log.entries.at(-1)?.data ?? []).fill(0, 32, 36).subarray(0, 36),
      );
      await checkpoint(store, restored);
      const third = newMachine();
      await store.load(third);
      expect(stateOf(third)).toEqual(stateOf(restored.machine));
    }
  });

  it("costs what changed, not what exists", async () => {
    const store = await open(await directory());
    const log = new TestLog();
    log.run(...Array.from({ length: 3_000 }, (_, nth) => ["set", `k${nth}`, "v"]));
    // Beside the keys: a row for each partition, and one for the origin of the writes.
    expect(await checkpoint(store, log)).toBe(3_000 + partitionCount + 1);
    expect(await checkpoint(store, log)).toBe(0);
    log.run(["set", "k5", "w"], ["set", "k5", "x"], ["set", "new", "y"]);
    expect(await checkpoint(store, log)).toBe(2 + 2 + 1);
    log.run(["flushdb"], ["set", "k1", "v"]);
    expect(await checkpoint(store, log)).toBe(1 + 1 + 1 + partitionCount);
    const restored = newMachine();
    await store.load(restored);
    expect(stateOf(restored)).toEqual(stateOf(log.machine));
  });

  it("leaves no record of a flushed database on the disk", async () => {
    const path = await directory();
    const store = await openCheckpointStore(path);
    const log = new TestLog();
    log.run(...Array.from({ length: 500 }, (_, nth) => ["set", `k${nth}`, "v"]));
    await checkpoint(store, log);
    log.run(["flushdb"], ["set", "a", "v"]);
    await checkpoint(store, log);
    await store.close();
    expect((await recordsOf(path)).map(([key]) => key.toString("latin1", 0, 1))).toEqual([
      ..."moqr",
    ]);
  });

  it("holds every byte, large values and expiries beyond 2^53 included", async () => {
    const store = await open(await directory());
    const log = new TestLog();
    const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
    log.run(
      ["set", bytes, bytes],
      ["set", "", ""],
      ["set", "large", bytes.repeat(5_000)],
      ["set", bytes.repeat(2_000), "x"],
      ["far", bytes],
      ["expireat", "large", "1700000000500.5"],
    );
    await checkpoint(store, log);
    const restored = newMachine();
    await store.load(restored);
    expect(stateOf(restored)).toEqual(stateOf(log.machine));
  });

  it("is null where none was ever written", async () => {
    expect(await (await open(await directory())).load(newMachine())).toBe(null);
  });

  it("of an empty state comes back as an empty state at its index", async () => {
    const store = await open(await directory());
    const log = new TestLog();
    log.run(["set", "a", "1"], ["del", "a"]);
    await checkpoint(store, log);
    const restored = newMachine();
    await store.load(restored);
    expect(stateOf(restored)).toEqual(stateOf(log.machine));
    expect(restored.appliedIndex).toBe(1);
  });

  it("forgets flushed databases also where it came from another node and was never loaded", async () => {
    const path = await directory();
    const log = new TestLog();
    log.run(...Array.from({ length: 50 }, (_, nth) => ["set", `k${nth}`, "v"]));
    const store = await openCheckpointStore(path);
    await checkpoint(store, log);
    await store.close();
    const again = await openCheckpointStore(path);
    log.run(["flushdb"], ["set", "a", "v"]);
    await checkpoint(again, log);
    await again.close();
    expect((await recordsOf(path)).map(([key]) => key.toString("latin1", 0, 1))).toEqual([
      ..."moqr",
    ]);
  });

  it("is refused to a second process", async () => {
    const path = await directory();
    await open(path);
    await expect(openCheckpointStore(path)).rejects.toThrow(/in use by another process/);
  });
});

/** A checkpoint of 60 keys, some with expiries, and the next one in which `k0` to `k9` changed. */
async function twoCheckpoints(): Promise<{ path: string; old: [Buffer, Buffer][] }> {
  const path = await directory();
  const log = new TestLog();
  const store = await openCheckpointStore(path);
  for (let nth = 0; nth < 60; nth++) log.run(["set", `{t}k${nth}`, "0"]);
  for (let nth = 0; nth < 20; nth++) log.run(["set", `k${nth}`, "0"], ["far", `k${nth}`]);
  await checkpoint(store, log);
  await store.close();
  const old = await recordsOf(path);
  const again = await openCheckpointStore(path);
  for (let nth = 0; nth < 10; nth++) log.run(["set", `{t}k${nth}`, "1"]);
  log.run(["del", "{t}k59"]);
  await checkpoint(again, log);
  await again.close();
  return { path, old };
}

/** As `load`, of records in memory: what is wrong with them. */
function problemOf(records: readonly [Buffer, Buffer][]): string | null {
  const meta = decodeMeta(records[0]?.[1] as Buffer);
  if (typeof meta === "string") return meta;
  const restorer = new Restorer(newMachine(), meta);
  let problem = restorer.begin();
  for (const [key, value] of records.slice(1)) problem ??= restorer.record(key, value);
  return problem ?? restorer.finish();
}

/** What a start says of it. */
async function loadProblem(path: string): Promise<string> {
  try {
    const store = await openCheckpointStore(path);
    try {
      await store.load(newMachine());
    } finally {
      await store.close();
    }
    return "";
  } catch (error) {
    expect(error).toBeInstanceOf(CheckpointError);
    return (error as Error).message;
  }
}

describe("a damaged checkpoint is refused", () => {
  it("when any bit of any record has changed", async () => {
    const { path } = await twoCheckpoints();
    const records = await recordsOf(path);
    expect(problemOf(records)).toBe(null);
    const dice = new Dice(8);
    records.forEach(([key, value], at) => {
      for (const part of ["key", "value"]) {
        const [newKey, newValue] = [Buffer.from(key), Buffer.from(value)];
        const changed = part === "key" && at > 0 ? newKey : newValue;
        const byte = dice.below(changed.length);
        changed[byte] = (changed[byte] as number) ^ (1 << dice.below(8));
        expect(problemOf(records.with(at, [newKey, newValue]))).not.toBe(null);
      }
    });
    const [key, value] = records[5] as [Buffer, Buffer];
    value[8] = 0xee;
    await withLevel(path, (level) => level.put(key, value));
    expect(await loadProblem(path)).toMatch(/damaged.*wrong checksum.*new member/);
  });

  it("when any record is missing or cut short", async () => {
    const { path } = await twoCheckpoints();
    const records = await recordsOf(path);
    for (let at = 1; at < records.length; at++) {
      expect(problemOf(records.toSpliced(at, 1))).not.toBe(null);
      const [key, value] = records[at] as [Buffer, Buffer];
      for (const length of [0, 3, value.length - 1]) {
        expect(problemOf(records.with(at, [key, value.subarray(0, length)]))).not.toBe(null);
      }
    }
    const tagged = records.findIndex(
      ([key], at) => key[0] === 0x72 && records[at + 1]?.[0].readUInt32BE(7) === 1,
    );
    expect(problemOf(records.toSpliced(tagged, 1))).toMatch(/record 1 .* follows record -1/);
    await withLevel(path, (level) => level.del(records.at(-1)?.[0] as Buffer));
    expect(await loadProblem(path)).toMatch(/damaged.*should have/);
  });

  it("when records of an earlier checkpoint have come back", async () => {
    const { path, old } = await twoCheckpoints();
    const now = new Map(
      (await recordsOf(path)).map(([key, value]) => [key.toString("hex"), value]),
    );
    const stale = old.filter(
      ([key, value]) => now.get(key.toString("hex"))?.equals(value) === false,
    );
    expect(stale.length).toBe(13); // Ten values, the row of their partition, that of the origin, and the meta record.
    const records = stale.filter(([key]) => key.length > 1);
    const cases = [records, records.slice(0, 1), records.slice(0, 2), stale.slice(0, 1)];
    for (const each of cases) {
      await withLevel(path, async (level) => {
        for (const [key, value] of each) await level.put(key, value);
      });
      expect(await loadProblem(path)).toMatch(/damaged/);
      await withLevel(path, async (level) => {
        for (const [key] of each) await level.put(key, now.get(key.toString("hex")) as Buffer);
      });
    }
    const gone = old.filter(([key]) => !now.has(key.toString("hex")));
    expect(gone.length).toBe(1);
    await withLevel(path, (level) => level.put(gone[0]?.[0] as Buffer, gone[0]?.[1] as Buffer));
    expect(await loadProblem(path)).toMatch(/damaged/);
  });

  it("when a record stands in another's place or is none of ours", async () => {
    const { path } = await twoCheckpoints();
    const records = await recordsOf(path);
    const [first, second] = records.slice(1);
    await withLevel(path, (level) => level.put(first?.[0] as Buffer, second?.[1] as Buffer));
    expect(await loadProblem(path)).toMatch(/wrong checksum/);
    await withLevel(path, (level) => level.put(first?.[0] as Buffer, first?.[1] as Buffer));
    await withLevel(path, (level) => level.put(Buffer.from("z"), Buffer.from("z")));
    expect(await loadProblem(path)).toMatch(/unknown record key/);
  });

  it("when there are records without a meta record", async () => {
    const { path } = await twoCheckpoints();
    await withLevel(path, (level) => level.del(Buffer.from("m")));
    expect(await loadProblem(path)).toMatch(/no meta record/);
  });

  it.each<[string, RegExp, (path: string) => void]>([
    ["names its files no more", /^CURRENT$/, (file) => writeFileSync(file, "")],
    ["names files that are gone", /^CURRENT$/, (file) => writeFileSync(file, "MANIFEST-000999\n")],
    ["has lost its list of tables", /^MANIFEST/, unlinkSync],
    ["has a damaged list of tables", /^MANIFEST/, flipFirstBits],
    ["has lost a table", /\.ldb$/, unlinkSync],
    ["has a table that was cut short", /\.ldb$/, (file) => truncateSync(file, 100)],
  ])("when LevelDB %s", async (_name, pattern, damage) => {
    const { path } = await twoCheckpoints();
    await (await openCheckpointStore(path)).close(); // Makes tables of what is in its log.
    const files = readdirSync(path).filter((name) => pattern.test(name));
    expect(files.length).toBeGreaterThan(0);
    for (const name of files) damage(join(path, name));
    expect(await loadProblem(path)).toMatch(
      /^the checkpoint is damaged \(.*\): bring this node back empty, as a new member$/,
    );
  });
});

function flipFirstBits(file: string): void {
  const bytes = readFileSync(file);
  bytes.writeUInt32LE(~bytes.readUInt32LE(8) >>> 0, 8);
  writeFileSync(file, bytes);
}

/** A meta record of any content, with the checksum that goes with it. */
function metaRecord(text: string): Buffer {
  const bytes = Buffer.from(`....${text}`);
  bytes.writeUInt32LE(crc32(bytes.subarray(4), crc32(metaKey)), 0);
  return bytes;
}

const meta = {
  ...context,
  format: checkpointFormat,
  appliedIndex: 9,
  logTimeMs: 1_700_000_000_000,
  databases: [
    { id: 4, trace: 8 },
    { id: 0, trace: 0 },
  ],
  nextId: 5,
  nextPartition: 3,
  nextObject: 4,
  keys: 2,
  origins: 1,
  parts: 0,
  partitions: 1,
  digest: -7,
  trace: -9,
  settings: { version: 3, maxmemory: 100, isDefault: false, policy: "allkeys-lru" },
};

describe("a meta record", () => {
  it("is read as it was written", () => {
    expect(decodeMeta(encodeMeta(meta))).toEqual(meta);
  });

  it("of a newer version is refused with the advice to start that version", async () => {
    const { path } = await twoCheckpoints();
    const newer = metaRecord(JSON.stringify({ format: 4, shape: "unknown" }));
    expect(decodeMeta(newer)).toMatch(/written by a newer version of kvorum \(format 4/);
    await withLevel(path, (level) => level.put(metaKey, newer));
    expect(await loadProblem(path)).toBe(
      "the checkpoint was written by a newer version of kvorum (format 4, " +
        "this one knows up to 3): start the version that wrote it",
    );
  });

  it("of an earlier version is refused by its format, which is no damage", async () => {
    const { path } = await twoCheckpoints();
    const older = metaRecord(JSON.stringify({ ...meta, format: 2 }));
    expect(decodeMeta(older)).toBe("the checkpoint has format 2, this program reads 3");
    await withLevel(path, (level) => level.put(metaKey, older));
    expect(await loadProblem(path)).toBe(
      "the checkpoint has format 2, this program reads 3: start the version that wrote it",
    );
  });

  it.each<[string, object]>([
    ["no format", { format: "1" }],
    ["a fraction of an index", { appliedIndex: 1.5 }],
    ["a negative index", { appliedIndex: -1 }],
    ["a membership of a later entry", { membershipIndex: 10 }],
    ["a membership that is no text", { membership: 7 }],
    ["no term", { term: null }],
    ["no time", { logTimeMs: "now" }],
    ["origins that are no number", { origins: [] }],
    ["a negative number of keys", { keys: -1 }],
    ["no next object", { nextObject: undefined }],
    ["no databases", { databases: null }],
    ["one id for two databases", { databases: [meta.databases[0], meta.databases[0]] }],
    ["an id that is yet to come", { nextId: 4 }],
    [
      "an id beyond 48 bits",
      { databases: [{ ...meta.databases[0], id: 2 ** 48 }], nextId: 2 ** 49 },
    ],
    ["no trace", { trace: undefined }],
    ["a digest of more than 32 bits", { digest: 2 ** 31 }],
  ])("is refused with %s", (_name, change) => {
    const problem = decodeMeta(metaRecord(JSON.stringify({ ...meta, ...change })));
    expect(problem).toBe("the meta record makes no sense");
  });

  it("of a checkpoint that is half done is refused, whatever has become of its redo file", () => {
    expect(decodeMeta(encodeHalfDone())).toBe(
      "the redo file of a checkpoint that was half done is gone",
    );
  });

  it("of any bytes is refused in words, and never throws", () => {
    expect(decodeMeta(metaRecord("{"))).toBe("the meta record is no JSON");
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(decodeMeta(Buffer.from(bytes))).toBeTypeOf("string");
      }),
      { seed: 1 },
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(decodeMeta(metaRecord(text))).toBeTypeOf("string");
      }),
      { seed: 2 },
    );
  });
});
