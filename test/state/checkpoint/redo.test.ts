// The redo file of a checkpoint, with LevelDB itself: what a start makes of it, of damage to it, and of other versions.

import { cpSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { checkpointSliceBytes, redoChunkBytes } from "../../../src/constants.ts";
import { diskFiles, type Files } from "../../../src/disk.ts";
import { CheckpointError, openLevel } from "../../../src/state/checkpoint/level.ts";
import {
  type CheckpointMeta,
  recordsOf as countOf,
  decodeMeta,
  encodeMeta,
  metaKey,
} from "../../../src/state/checkpoint/meta.ts";
import {
  chunkHeadBytes,
  RedoOperations,
  redoHeadBytes,
  redoKind,
} from "../../../src/state/checkpoint/redo-chunk.ts";
import { RedoReader } from "../../../src/state/checkpoint/redo-reader.ts";
import { RedoWriter } from "../../../src/state/checkpoint/redo-writer.ts";
import { openCheckpointStore, writeCheckpoint } from "../../../src/state/checkpoint/store.ts";
import { SimulatedDisk } from "../../support/log-disk.ts";
import { seeded } from "../../support/log-random.ts";
import {
  checkpoint,
  context,
  openStore,
  recordsOf,
  temporaryDirectory,
  withLevel,
} from "../../support/state-checkpoint.ts";
import { newMachine, stateOf, TestLog } from "../../support/state-log.ts";

/** Calls `after` when an operation is done that may have changed the disk. */
function watched(after: (operation: string) => void): { files: Files; open: typeof openLevel } {
  const wrap = <Target extends object>(target: Target, names: readonly string[]): Target =>
    new Proxy(target, {
      get(_, name) {
        const operation = Reflect.get(target, name, target) as unknown;
        if (typeof operation !== "function") return operation;
        return (...args: unknown[]) => {
          const result = Reflect.apply(operation, target, args) as unknown;
          if (!names.includes(String(name))) return result;
          return Promise.resolve(result).then((done) => {
            after(String(name));
            return done;
          });
        };
      },
    });
  return {
    files: wrap(diskFiles, ["create", "sync", "close", "rename", "syncDirectory", "remove"]),
    async open(directory) {
      const level = await openLevel(directory);
      const batch = level.batch.bind(level);
      Object.assign(level, { batch: () => wrap(batch(), ["write"]) });
      return wrap(level, ["put", "clear", "compactRange"]);
    },
  };
}

/** The first checkpoint in a directory, what has changed since, and what the second would be. */
async function twoStates(): Promise<{ path: string; log: TestLog; old: unknown; next: unknown }> {
  const path = await temporaryDirectory();
  const log = new TestLog();
  const row = (nth: number, value: string): string[] => ["set", `k${nth}`, value.repeat(4_000)];
  log.run(...Array.from({ length: 30 }, (_, nth) => row(nth, "v")));
  log.run({ words: ["set", "x", "y"], database: 2 });
  const store = await openCheckpointStore(path);
  await checkpoint(store, log);
  await store.close();
  const old = stateOf(log.machine);
  log.run(...Array.from({ length: 20 }, (_, nth) => row(nth, "w")), ["del", "k25"]);
  log.run(["set", "large", "l".repeat(300_000)], { words: ["flushdb"], database: 2 });
  return { path, log, old, next: stateOf(log.machine) };
}

/** Copies of the directory as a killed process would leave it, after each operation of the second checkpoint. */
async function killedAnywhere(): Promise<{
  copies: readonly (readonly [operation: string, path: string])[];
  old: unknown;
  next: unknown;
}> {
  const { path, log, old, next } = await twoStates();
  const home = await temporaryDirectory();
  const copies: [string, string][] = [];
  const parts = watched((operation) => {
    const copy = join(home, String(copies.length));
    cpSync(path, copy, { recursive: true });
    copies.push([operation, copy]);
  });
  const store = await openCheckpointStore(path, parts);
  await checkpoint(store, log);
  await store.close();
  return { copies, old, next };
}

/** As the process would leave it that is killed right after the switch. */
async function killedAtSwitch(): Promise<{ path: string; old: unknown; next: unknown }> {
  const { copies, ...states } = await killedAnywhere();
  const at = copies.findIndex(([operation]) => operation === "rename");
  return { path: copies[at]?.[1] ?? "", ...states };
}

async function stateIn(path: string): Promise<unknown> {
  const machine = newMachine();
  const store = await openStore(path);
  await store.load(machine);
  await store.close();
  return stateOf(machine);
}

/** What a start says. */
async function problemIn(path: string): Promise<string> {
  const error: unknown = await stateIn(path).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  return (error as Error).message;
}

const damage = /^the checkpoint is damaged \(.*\): bring this node back empty, as a new member$/;

describe("a start after a kill", () => {
  it("finds the old checkpoint before the switch and the new one from then on", async () => {
    const { copies, old, next } = await killedAnywhere();
    const switched = copies.findIndex(([operation]) => operation === "rename");
    expect(copies.length).toBeGreaterThan(switched + 5);
    for (const [at, [, path]] of copies.entries()) {
      expect(await stateIn(path)).toEqual(at < switched ? old : next);
      expect(readdirSync(path).filter((name) => name.startsWith("redo"))).toEqual([]);
    }
  });

  it("leaves no record of a flushed database, and its checkpoint can be sent at once", async () => {
    const { path, next } = await killedAtSwitch();
    const store = await openStore(path);
    const view = await store.view();
    expect(view?.meta.appliedIndex).toBe((next as { appliedIndex: number }).appliedIndex);
    const records = view === null ? 0 : countOf(view.meta);
    await store.close();
    expect((await recordsOf(path)).length).toBe(1 + records);
  });
});

describe("a redo file that is damaged", () => {
  it.each<[string, (file: Buffer) => Buffer]>([
    ["is empty", () => Buffer.alloc(0)],
    ["ends within its head", (file) => file.subarray(0, redoHeadBytes - 1)],
    ["has a head and nothing else", (file) => file.subarray(0, redoHeadBytes)],
    ["ends within the head of a chunk", (file) => file.subarray(0, redoHeadBytes + 5)],
    ["has lost its end", (file) => file.subarray(0, file.length - 1)],
    ["has lost its last chunk", (file) => file.subarray(0, -lastChunk(file).length)],
    ["has lost its first chunk", (file) => Buffer.concat([headOf(file), afterFirst(file)])],
    ["goes on", (file) => Buffer.concat([file, Buffer.from("more")])],
    ["repeats its last chunk", (file) => Buffer.concat([file, lastChunk(file)])],
    ["begins with something else", (file) => Buffer.concat([Buffer.from("x"), file])],
  ])("is refused in words when it %s", async (_name, change) => {
    const { path } = await killedAtSwitch();
    const file = join(path, "redo");
    writeFileSync(file, change(readFileSync(file)));
    expect(await problemIn(path)).toMatch(damage);
    expect(existsSync(file)).toBe(true);
    expect(await problemIn(path)).toMatch(damage);
  });

  it("is refused in words when any bit of it has changed", async () => {
    const { path } = await killedAtSwitch();
    const whole = readFileSync(join(path, "redo"));
    const random = seeded(3);
    const heads = Array.from({ length: redoHeadBytes + chunkHeadBytes + 7 }, (_, at) => at);
    const others = Array.from({ length: 40 }, () => random.integer(whole.length));
    for (const at of [...heads, ...others]) {
      const file = Buffer.from(whole);
      file.writeUInt8(file.readUInt8(at) ^ (1 << random.integer(8)), at);
      writeFileSync(join(path, "redo"), file);
      const problem = await problemIn(path);
      const isFormat = at >= redoHeadBytes - 4 && at < redoHeadBytes;
      expect(problem).toMatch(isFormat ? /another version of kvorum/ : damage);
    }
    writeFileSync(join(path, "redo"), whole);
    await stateIn(path);
  });

  it("is refused in words when it is of an earlier checkpoint", async () => {
    const { path, log } = await twoStates();
    const stale = (await killedAtSwitch()).path;
    const store = await openCheckpointStore(path);
    await checkpoint(store, log);
    log.run(["set", "k0", "newest"], ["set", "k28", "newest"]);
    await checkpoint(store, log);
    await store.close();
    cpSync(join(stale, "redo"), join(path, "redo"));
    expect(await problemIn(path)).toMatch(damage);
  });

  it("is missed when LevelDB holds a half of its checkpoint", async () => {
    const { copies } = await killedAnywhere();
    const halves = copies.filter(([operation]) => operation === "write");
    expect(halves.length).toBeGreaterThan(0);
    for (const [, path] of halves) {
      renameSync(join(path, "redo"), join(path, "redo.new"));
      expect(await problemIn(path)).toBe(
        "the checkpoint is damaged (the redo file of a checkpoint that was half done is gone): " +
          "bring this node back empty, as a new member",
      );
    }
  });
});

const headOf = (file: Buffer): Buffer => file.subarray(0, redoHeadBytes);

/** Where each chunk begins. */
function chunksAt(file: Buffer): number[] {
  const places: number[] = [];
  for (let at = redoHeadBytes; at < file.length; ) {
    places.push(at);
    at += chunkHeadBytes + file.readUInt32LE(at);
  }
  return places;
}

function lastChunk(file: Buffer): Buffer {
  const places = chunksAt(file);
  expect(places.length).toBeGreaterThan(1);
  return file.subarray(places.at(-1));
}

function afterFirst(file: Buffer): Buffer {
  return file.subarray(chunksAt(file)[1]);
}

describe("another version", () => {
  const formatIn = (path: string): Promise<unknown> =>
    withLevel(path, async (level) => {
      const bytes = (await level.get(metaKey)) as Buffer | undefined;
      return bytes === undefined ? null : JSON.parse(bytes.toString("utf8", 4)).format;
    });

  it("that knows no redo files is told the format by LevelDB, before the first record of a checkpoint is there", async () => {
    const { copies } = await killedAnywhere();
    for (const [, path] of copies) expect(await formatIn(path)).toBe(3);

    const path = await temporaryDirectory();
    const formats: Promise<unknown>[] = [];
    const home = await temporaryDirectory();
    const parts = watched((operation) => {
      if (!["put", "write", "compactRange"].includes(operation)) return;
      const copy = join(home, String(formats.length));
      cpSync(path, copy, { recursive: true });
      formats.push(formatIn(copy));
    });
    const log = new TestLog();
    log.run(["set", "a", "1"]);
    const store = await openCheckpointStore(path, parts);
    await checkpoint(store, log);
    await store.close();
    expect(new Set(await Promise.all(formats))).toEqual(new Set([3]));
  });

  it("of the checkpoint is told, and the redo file waits for its own", async () => {
    const { path, next } = await killedAtSwitch();
    const [metaRecord] = await recordsOf(path);
    const meta = decodeMeta(metaRecord?.[1] as Buffer) as CheckpointMeta;
    const newer = "the checkpoint was written by a newer version of kvorum";
    for (const [format, words] of [
      [2, "the checkpoint has format 2, this program reads 3"],
      [4, `${newer} (format 4, this one knows up to 3)`],
    ] as const) {
      await withLevel(path, (level) => level.put(metaKey, encodeMeta({ ...meta, format })));
      const before = await recordsOf(path);
      expect(await problemIn(path)).toBe(`${words}: start the version that wrote it`);
      expect(await recordsOf(path)).toEqual(before);
    }
    await withLevel(path, (level) => level.put(metaKey, encodeMeta(meta)));
    expect(await stateIn(path)).toEqual(next);
  });

  it("of the redo file is told", async () => {
    const { path } = await killedAtSwitch();
    const file = readFileSync(join(path, "redo"));
    file.writeUInt32LE(2, redoHeadBytes - 4);
    writeFileSync(join(path, "redo"), file);
    expect(await problemIn(path)).toBe(
      "the redo file of the checkpoint was written by another version of kvorum (format 2, " +
        "this one reads 1): start that version",
    );
  });
});

describe("a view", () => {
  it("that is asked for while LevelDB takes in a checkpoint shows that; one from before stays as it was", async () => {
    const { path, log } = await twoStates();
    const views: Promise<number | undefined>[] = [];
    const parts = watched((operation) => {
      if (operation !== "write" && operation !== "put") return;
      views.push(store.view().then((view) => view?.meta.appliedIndex));
    });
    const store = await openCheckpointStore(path, parts);
    onTestFinished(() => store.close());
    const old = await store.view();
    await checkpoint(store, log);
    expect(views.length).toBeGreaterThan(2);
    expect(new Set(await Promise.all(views))).toEqual(new Set([log.machine.appliedIndex]));
    expect(old?.meta.appliedIndex).toBeLessThan(log.machine.appliedIndex);
    const records = old === null ? 0 : countOf(old.meta);
    expect(records).toBeGreaterThan(31);
    expect((await old?.read(null, 1 << 30))?.records).toBe(records);
  });
});

/** Values as length and checksum. */
type Operation = readonly [kind: number, key: string, length: number, checksum: number];

const operationOf = (kind: number, key: Buffer, value: Buffer): Operation => [
  kind,
  key.toString("hex"),
  value.length,
  crc32(value),
];

/** All operations of a file, the end last. */
async function operationsIn(files: Files, path: string): Promise<Operation[]> {
  const reader = await RedoReader.open(files, path);
  const found: Operation[] = [];
  for (let chunk = reader.next(); chunk !== null; chunk = reader.next()) {
    const operations = new RedoOperations(chunk);
    while (operations.next()) {
      const { kind, key, value } = operations;
      found.push(operationOf(kind, key, value));
    }
    expect(operations.problem).toBeNull();
  }
  await reader.close();
  return found;
}

const sizes = fc.oneof(
  fc.nat(40),
  fc.nat(2_000),
  fc.constantFrom(100_000, redoChunkBytes, 600_000),
);
const someSteps = fc.array(
  fc.record({
    kind: fc.constantFrom("put", "del", "clearRange"),
    keyBytes: fc.nat(40),
    valueBytes: sizes,
    drains: fc.boolean(),
    waits: fc.boolean(),
  }),
  { maxLength: 60 },
);
type Step = (typeof someSteps extends fc.Arbitrary<infer Steps> ? Steps : never)[number];

/** Gives the writer one operation, in memory that changes at once. */
function giveTo(writer: RedoWriter, { kind, keyBytes, valueBytes }: Step, nth: number): Operation {
  const key = Buffer.alloc(keyBytes, nth);
  const value = Buffer.alloc(valueBytes, nth + 1);
  const ends = { put: value, del: Buffer.alloc(0), clearRange: key };
  const given = operationOf(redoKind[kind], key, ends[kind]);
  if (kind === "put") writer.put(key, value);
  else if (kind === "del") writer.del(key);
  else writer.clearRange(key, key);
  key.fill(0xee);
  value.fill(0xee);
  return given;
}

describe("a redo file", () => {
  it("counts what waits for it, until that is on disk", async () => {
    const disk = new SimulatedDisk(seeded(2));
    const writer = new RedoWriter(disk, "/d/redo", () => {});
    await writer.begin();
    const part = Buffer.alloc(64 * 1024);
    for (let nth = 0; nth < 9; nth++) writer.put(Buffer.from([nth]), part);
    // Three of them fit into a chunk, and the last chunk is not full.
    expect(writer.waitingBytes).toBeGreaterThan(6 * part.length);
    expect(writer.waitingBytes).toBeLessThan(6 * part.length + 1_000);
    const draining = writer.drain();
    expect(writer.waitingBytes).toBeGreaterThan(6 * part.length);
    await draining;
    expect(writer.waitingBytes).toBe(0);
  });

  it("is read as it was written, whatever the sizes, and whatever comes in while it is written", async () => {
    const isReadAsWritten = async (steps: readonly Step[]): Promise<void> => {
      const disk = new SimulatedDisk(seeded(1));
      const writer = new RedoWriter(disk, "/d/redo", () => {});
      const given: Operation[] = [];
      let draining = writer.begin();
      for (const step of steps) {
        given.push(giveTo(writer, step, given.length));
        if (step.drains) draining = draining.then(() => writer.drain());
        if (step.waits) await draining;
      }
      await draining;
      await writer.finish(Buffer.from("meta"));
      const end = operationOf(redoKind.end, metaKey, Buffer.from("meta"));
      expect(await operationsIn(disk, "/d/redo")).toEqual([...given, end]);
    };
    await fc.assert(fc.asyncProperty(someSteps, isReadAsWritten), { seed: 1, numRuns: 60 });
  });

  it("is written in chunks and taken in by slices, and all of its bytes are told while that goes on", async () => {
    const log = new TestLog();
    log.run(...Array.from({ length: 900 }, (_, nth) => ["set", `k${nth}`, "v".repeat(2_000)]));
    const path = await temporaryDirectory();
    const store = await openStore(path);
    const told: number[] = [];
    const wrote = (bytes: number) => void told.push(bytes);
    await writeCheckpoint(store, log.machine, { ...context, pause: async () => {}, wrote });
    expect(Math.max(...told)).toBeLessThanOrEqual(redoChunkBytes + chunkHeadBytes);
    const whole = 900 * 2_000;
    const chunks = Math.floor(whole / redoChunkBytes);
    const slices = Math.floor(whole / (checkpointSliceBytes + 2_100));
    expect(told.length).toBeGreaterThan(chunks + slices);
    expect(told.reduce((sum, bytes) => sum + bytes)).toBeGreaterThan(2 * whole);
  });
});
