// LevelDB as a model in memory: what was not synced may be lost, from the end of each of its log files.

import type { CheckpointLevel } from "../../src/state/checkpoint/level.ts";
import type { Random } from "./log-random.ts";

type Records = Map<string, Buffer>;
/** One atomic write. */
type Change = (records: Records) => void;

/** A log file: a sync reaches this one alone, and a crash leaves what was synced and some of the rest. */
interface LogFile {
  readonly changes: Change[];
  synced: number;
}

/** LevelDB begins a new log file when its memory is full; here by chance, because tests are small. */
const newLogChance = 0.3;

const nameOf = (key: Uint8Array): string => Buffer.from(key).toString("latin1");

interface Range {
  readonly gt?: Buffer;
  readonly gte?: Buffer;
  readonly lt?: Buffer;
  readonly limit?: number;
  readonly snapshot?: LevelSnapshot;
}

class LevelSnapshot {
  readonly records: Records;
  constructor(records: Records) {
    this.records = new Map(records);
  }
  async close(): Promise<void> {}
}

export class LevelModel {
  /** Resolves when the power went off in the middle of a write. */
  readonly died: Promise<void>;
  /** Writes, compactions included. */
  writes = 0;
  readonly #random: Random;
  readonly #tables: Records;
  readonly #logs: LogFile[] = [];
  /** What the running process reads. */
  readonly #records: Records;
  #lifetime = Number.POSITIVE_INFINITY;
  #failsAt = Number.POSITIVE_INFINITY;
  #failure: Error | null = null;
  #isDead = false;
  #die: () => void = () => {};

  constructor(random: Random, tables: Records = new Map()) {
    this.#random = random;
    this.#tables = new Map(tables);
    this.#records = new Map(tables);
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  /** What the code under test uses of LevelDB is here; nothing else is. */
  get asLevel(): CheckpointLevel {
    return this as unknown as CheckpointLevel;
  }

  dieAfter(writes: number): void {
    this.#lifetime = writes;
  }

  /** One write fails, after so many, and may have happened. */
  failAfter(writes: number, failure: Error): void {
    this.#failsAt = this.writes + writes;
    this.#failure = failure;
  }

  powerOff(): void {
    this.#isDead = true;
    this.#die();
  }

  afterPowerCut(): LevelModel {
    const left = new Map(this.#tables);
    for (const { changes, synced } of this.#logs) {
      const kept = synced + this.#random.integer(changes.length - synced + 1);
      for (const change of changes.slice(0, kept)) change(left);
    }
    return new LevelModel(this.#random, left);
  }

  /** The process alone is gone: the system still writes what it was given. */
  afterKill(): LevelModel {
    const after = new LevelModel(this.#random, this.#tables);
    for (const { changes, synced } of this.#logs)
      after.#logs.push({ changes: [...changes], synced });
    for (const { changes } of after.#logs) for (const change of changes) change(after.#records);
    return after;
  }

  snapshot(): LevelSnapshot {
    return new LevelSnapshot(this.#records);
  }

  async get(key: Buffer, { snapshot }: Range = {}): Promise<Buffer | undefined> {
    await this.#alive();
    return (snapshot?.records ?? this.#records).get(nameOf(key));
  }

  put(key: Buffer, value: Buffer, { sync = false } = {}): Promise<void> {
    const [name, bytes] = [nameOf(key), Buffer.from(value)];
    return this.#write((records) => void records.set(name, bytes), sync);
  }

  batch(): object {
    const changes: Change[] = [];
    return {
      put: (key: Buffer, value: Buffer) => {
        const [name, bytes] = [nameOf(key), Buffer.from(value)];
        changes.push((records) => void records.set(name, bytes));
      },
      del: (key: Buffer) => {
        const name = nameOf(key);
        changes.push((records) => void records.delete(name));
      },
      write: ({ sync = false } = {}) =>
        this.#write((records) => {
          for (const change of changes) change(records);
        }, sync),
    };
  }

  /** Not atomic: in two halves. */
  async clear(range: Range): Promise<void> {
    const names = this.#namesIn(range);
    const half = names.length >>> 1;
    for (const part of [names.slice(0, half), names.slice(half)]) {
      await this.#write((records) => {
        for (const name of part) records.delete(name);
      }, false);
    }
  }

  /** All that was written before is in synced tables afterwards. */
  async compactRange(): Promise<void> {
    await this.#write(() => {}, false);
    for (const { changes } of this.#logs.splice(0)) {
      for (const change of changes) change(this.#tables);
    }
  }

  iterator(range: Range): object {
    const records = new Map((range.snapshot?.records ?? this.#records) as Records);
    const names = this.#namesIn(range);
    return {
      nextv: async (count: number) => {
        await this.#alive();
        return names
          .splice(0, count)
          .map((name) => [Buffer.from(name, "latin1"), records.get(name)]);
      },
      close: async () => {},
    };
  }

  keys(range: Range): object {
    const all = async () => this.#namesIn(range).map((name) => Buffer.from(name, "latin1"));
    return { all };
  }

  async close(): Promise<void> {}

  #namesIn({ gt, gte, lt, limit, snapshot }: Range): string[] {
    const isIn = (name: string): boolean =>
      (gt === undefined || name > nameOf(gt)) &&
      (gte === undefined || name >= nameOf(gte)) &&
      (lt === undefined || name < nameOf(lt));
    const records = snapshot?.records ?? this.#records;
    return [...records.keys()].filter(isIn).sort().slice(0, limit);
  }

  async #write(change: Change, sync: boolean): Promise<void> {
    await this.#alive();
    const failure = this.writes === this.#failsAt ? this.#failure : null;
    this.writes += 1;
    this.#lifetime -= 1;
    const isLast = this.#lifetime < 0;
    if ((!isLast && failure === null) || this.#random.chance(0.5)) this.#log(change, sync);
    if (failure !== null) throw failure;
    if (isLast) this.powerOff();
    await this.#alive();
  }

  #log(change: Change, sync: boolean): void {
    if (this.#logs.length === 0 || this.#random.chance(newLogChance)) {
      this.#logs.push({ changes: [], synced: 0 });
    }
    const log = this.#logs.at(-1) as LogFile;
    log.changes.push(change);
    if (sync) log.synced = log.changes.length;
    change(this.#records);
  }

  /** Without power nothing ever comes back. */
  #alive(): Promise<void> {
    return this.#isDead ? new Promise(() => {}) : Promise.resolve();
  }
}
