// A log of small commands for tests of the state: proposals in, replies out.

import { ok, type Protocol, type Reply } from "../../src/resp/reply.ts";
import { finish } from "../../src/state/commands/sliced.ts";
import type { Command, CommandTable, ReadCommand } from "../../src/state/commands/spec.ts";
import { Machine, type ReplySink } from "../../src/state/execution/machine.ts";
import { BatchBuilder, encodeProposal, tickProposal } from "../../src/state/execution/proposal.ts";
import { strings } from "../../src/state/keyspace/strings.ts";
import { isError, type Moment, type WriteView } from "../../src/state/keyspace/views.ts";
import { type Arguments, word } from "../../src/state/parse/arguments.ts";

type Apply = (db: WriteView, args: Arguments, at: Moment) => Reply;

const about = { summary: "", since: "1", group: "string", arity: -1, flags: [] } as const;

const write = (name: string, apply: Apply): [string, Command] => [
  name,
  { ...about, kind: "write", name, apply },
];

const read = (name: string, run: ReadCommand["read"]): [string, ReadCommand] => [
  name,
  { ...about, kind: "read", name, read: run },
];

export const readGet = read("get", (db, args) => db.string(word(args, 1)) ?? null)[1];
export const readRandom = read("random", (db, _args, at) => db.randomKey(at.random) ?? null)[1];

function stringOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Just enough commands to change everything that a view can change. */
export const smallCommands: CommandTable = new Map<string, Command>([
  write("set", (db, args) => {
    db.replace(word(args, 1), word(args, 2));
    return ok;
  }),
  write("append", (db, args) => {
    const value = `${stringOf(db.string(word(args, 1)))}${word(args, 2)}`;
    db.update(word(args, 1), value);
    return value.length;
  }),
  write("del", (db, args) => (db.delete(word(args, 1)) ? 1 : 0)),
  write("expireat", (db, args) => {
    if (!db.has(word(args, 1))) return 0;
    db.setExpireAt(word(args, 1), Number(word(args, 2)));
    return 1;
  }),
  write("far", (db, args) => {
    if (!db.has(word(args, 1))) return 0;
    db.setExpireAt(word(args, 1), 2n ** 62n);
    return 1;
  }),
  write("persist", (db, args) => (db.persist(word(args, 1)) ? 1 : 0)),
  write("setrange", (db, args) => {
    const value = db.edit(word(args, 1), strings);
    if (!isError(value)) value.write(Number(word(args, 2)), word(args, 3));
    return ok;
  }),
  write("rename", (db, args) => {
    if (!db.has(word(args, 1))) return 0;
    db.rename(word(args, 1), db.select(Number(word(args, 2))), word(args, 3));
    return 1;
  }),
  write("copy", (db, args) => {
    if (!db.has(word(args, 1))) return 0;
    finish(db.copy(word(args, 1), db.select(Number(word(args, 2))), word(args, 3)));
    return 1;
  }),
  write("pop", (db, _args, at) => {
    const key = db.randomKey(at.random);
    if (key === undefined) return null;
    db.delete(key);
    return key;
  }),
  write("roll", (_db, _args, at) => [String(at.random()), String(at.random())]),
  write("time", (db, _args, at) => [at.nowMs, db.nowMs]),
  write("flushdb", (db) => {
    db.clear();
    return ok;
  }),
  write("swapdb", (db, args) => {
    db.swap(Number(word(args, 1)), Number(word(args, 2)));
    return ok;
  }),
  ["get", readGet],
  [
    "box",
    {
      ...about,
      kind: "container",
      name: "box",
      subcommands: new Map([
        write("put", (db, args) => {
          db.replace(word(args, 2), word(args, 3));
          return ok;
        }),
      ]),
    },
  ],
]);

/** Who sends requests in tests: node 1, first life. */
export const testOrigin = { origin: 1, incarnation: 1 };

export interface Row {
  readonly words: readonly string[];
  readonly database?: number;
  readonly protocol?: Protocol;
  readonly client?: number;
}

/** One request as a client sends it. */
export function requestBytes(words: readonly string[]): Buffer {
  const parts = words.map((each) => `$${each.length}\r\n${each}\r\n`);
  return Buffer.from(`*${words.length}\r\n${parts.join("")}`, "latin1");
}

/** One for all: it holds nothing between two bodies. */
const builder = new BatchBuilder();

/** The body of a proposal. */
export function bodyOf(rows: readonly Row[]): Uint8Array {
  for (const { words, database = 0, protocol = 2, client = 7 } of rows) {
    const bytes = requestBytes(words);
    builder.add(database, protocol, client, bytes, 0, bytes.length);
  }
  return builder.take();
}

/** A sink that keeps what it gets. */
export function collector(): ReplySink & {
  readonly replies: Reply[];
  readonly passedNumbers: number[];
} {
  const replies: Reply[] = [];
  const passedNumbers: number[] = [];
  return {
    ...testOrigin,
    ...{ replies, passedNumbers },
    reply: (reply) => void replies.push(reply),
    passed: (highest) => void passedNumbers.push(highest),
  };
}

/** A machine and the log that it applies; numbers and indexes follow by themselves. */
export class TestLog {
  readonly machines: Machine[];
  readonly entries: { index: number; data: Uint8Array }[] = [];
  nowMs = 1_700_000_000_000;
  #number = 1;

  /** `before`: the log that the machines have applied so far, whose writes this one goes on with. */
  constructor(machines: readonly Machine[] = [newMachine()], before?: TestLog) {
    this.machines = [...machines];
    if (before === undefined) return;
    this.nowMs = before.nowMs;
    this.#number = before.#number;
  }

  get machine(): Machine {
    return this.machines[0] as Machine;
  }

  /** Appends one entry with these requests, applies it everywhere, and returns its replies. */
  run(...rows: readonly (Row | readonly string[])[]): Reply[] {
    const whole = rows.map((row) => ("words" in row ? row : { words: row }));
    const data = encodeProposal(
      {
        ...testOrigin,
        timeMs: this.nowMs,
        seed: (this.#number * 0x9e3779b1) >>> 0,
        firstNumber: this.#number,
        count: rows.length,
      },
      bodyOf(whole),
    );
    this.#number += rows.length;
    return this.append(data);
  }

  tick(): void {
    this.append(tickProposal(this.nowMs));
  }

  append(data: Uint8Array): Reply[] {
    const entry = { index: this.machine.appliedIndex + 1, data };
    this.entries.push(entry);
    const sinks = this.machines.map((machine) => {
      const sink = collector();
      machine.apply(entry, sink);
      return sink;
    });
    return sinks[0]?.replies ?? [];
  }
}

export function newMachine(hashSeed = 0): Machine {
  return new Machine({ commands: smallCommands, hashSeed });
}

/** Everything there is to know of a machine's state, as plain data: order included. */
export function stateOf(machine: Machine): unknown {
  const { keyspace } = machine;
  return {
    appliedIndex: machine.appliedIndex,
    logTimeMs: machine.logTimeMs,
    nextId: keyspace.nextId,
    nextDueAt: machine.nextDueAt(),
    origins: machine.origins.list(),
    databases: keyspace.databases.map((database) => ({
      id: database.id,
      size: database.size,
      expires: database.expires,
      partitions: [...database.filledPartitions()].map((partition) => [
        partition.number,
        Array.from({ length: partition.size }, (_, at) => [
          partition.key(at),
          partition.value(at),
          partition.expiryAt(at),
        ]),
      ]),
    })),
  };
}
