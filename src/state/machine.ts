// The state machine: applies committed entries in log order, and reads what they made.

import { assert } from "../assert.ts";
import { databaseCount, expirePerEntryMax } from "../constants.ts";
import type { Reply } from "../resp/reply.ts";
import { RequestDecoder } from "../resp/request-decoder.ts";
import { admittedLimits } from "../resp/request-limits.ts";
import type { Arguments } from "./arguments.ts";
import type { CheckpointMeta } from "./checkpoint-meta.ts";
import { CommandFinder } from "./commands/lookup.ts";
import { isSliced, type SlicedReply } from "./commands/sliced.ts";
import type { CommandTable, ReadCommand, WriteCommand } from "./commands/spec.ts";
import { createDatabases, type Database } from "./database.ts";
import { Keyspace } from "./keyspace.ts";
import { Origins } from "./origins.ts";
import {
  asBuffer,
  behaviourVersion,
  type Group,
  groupHeaderBytes,
  headerBytes,
  proposalFormat,
  readGroup,
  readHeader,
  type StampedHeader,
} from "./proposal.ts";
import { SeededRandom } from "./random.ts";
import { replyWord, traced } from "./trace.ts";
import type { Moment } from "./views.ts";

/** The state machine's part of a log entry. */
export interface AppliedEntry {
  readonly index: number;
  /** A proposal: see proposal.ts. */
  readonly data: Uint8Array;
}

/** Who waits for the replies to the writes of one incarnation of this node. */
export interface ReplySink {
  readonly origin: number;
  readonly incarnation: number;
  /** Once per applied request of that incarnation, in the order of their numbers. */
  reply(reply: Reply): void;
}

export interface MachineOptions {
  readonly commands: CommandTable;
  readonly databases?: number;
  /** 32 random bits of this process: see KeyHasher. Changes nothing that anybody can see. */
  readonly hashSeed?: number;
}

/**
 * Pure: what it holds follows from the entries alone. Nothing here throws but a broken invariant,
 * which stops the process.
 */
export class Machine {
  readonly keyspace: Keyspace;
  readonly origins = new Origins();
  readonly #databases: readonly Database[];
  readonly #finder: CommandFinder;
  readonly #decoder = new RequestDecoder(admittedLimits);
  readonly #writing: EntryMoment;
  readonly #reading: ReadMoment;
  #appliedIndex = 0;
  #trace = 0;

  constructor({ commands, databases = databaseCount, hashSeed = 0 }: MachineOptions) {
    this.keyspace = new Keyspace(databases, hashSeed);
    this.#databases = createDatabases(this.keyspace);
    this.#finder = new CommandFinder(commands);
    this.#writing = new EntryMoment(this.keyspace);
    this.#reading = new ReadMoment(this.keyspace);
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }
  get logTimeMs(): number {
    return this.keyspace.logTimeMs;
  }
  /** Of all replies to writes so far. */
  get trace(): number {
    return this.#trace;
  }
  /** 32 bits that are equal on all nodes that have applied the same entries: see trace.ts. */
  get digest(): number {
    let digest = traced(this.#trace, this.keyspace.nextId);
    for (const { id, size, trace } of this.keyspace.databases) {
      digest = traced(traced(traced(digest, id), size), trace);
    }
    return digest;
  }
  /** The last read met a key that is due by its clock alone: commit a tick, then read again. */
  get metDue(): boolean {
    return this.keyspace.metDue;
  }

  /** When the next key falls due (Unix ms, perhaps passed); undefined when none ever does. */
  nextDueAt(): number | undefined {
    return this.keyspace.nextDueAt();
  }

  /** Applies the next entry; `sink` gets the replies to the writes of its own incarnation. */
  apply(entry: AppliedEntry, sink: ReplySink | null): void {
    this.pass(entry.index);
    const header = readHeader(entry.data);
    this.#checkVersion(header, entry.index);
    this.keyspace.advance(header.timeMs);
    this.keyspace.removeDue(expirePerEntryMax);
    if (header.count === 0) return;

    const { origin, incarnation, firstNumber, count } = header;
    const next = this.origins.take(origin, incarnation, firstNumber, count);
    if (next === firstNumber + count) return;
    const isOwn = sink !== null && sink.origin === origin && sink.incarnation === incarnation;
    this.#applyGroups(entry, header, next - firstNumber, isOwn ? sink : null);
  }

  /** The next entry is none of ours (a no-op or a membership): only its index counts. */
  pass(index: number): void {
    assert(!this.keyspace.reading, "the state stands still while it is read");
    assert(
      index === this.#appliedIndex + 1,
      `entry ${index} is applied after entry ${this.#appliedIndex}`,
    );
    this.#appliedIndex = index;
  }

  /**
   * Runs a read by a clock that may be ahead of log time. Afterwards, and after each step of one that
   * comes in steps, ask `metDue`. Until its steps have ended no entry can be applied and nothing else read.
   */
  // biome-ignore lint/complexity/useMaxParams: runs for every read; an object would cost as much.
  read(
    command: ReadCommand,
    database: number,
    args: Arguments,
    clockMs: number,
    random: () => number,
  ): Reply | SlicedReply {
    assert(!this.keyspace.reading, "one read runs at a time");
    this.keyspace.beginRead(clockMs);
    this.#reading.random = random;
    const answer = command.read(this.#database(database), args, this.#reading);
    if (isSliced(answer)) return this.#untilRead(answer);
    this.keyspace.endRead();
    return answer;
  }

  *#untilRead(steps: SlicedReply): SlicedReply {
    try {
      return yield* steps;
    } finally {
      this.keyspace.endRead();
    }
  }

  /** For the restart: an empty machine becomes the one that had applied this entry. */
  restore({
    appliedIndex,
    logTimeMs,
    trace,
  }: Pick<CheckpointMeta, "appliedIndex" | "logTimeMs" | "trace">): void {
    assert(this.#appliedIndex === 0, "only a new machine is restored");
    this.#appliedIndex = appliedIndex;
    this.#trace = trace;
    this.keyspace.advance(logTimeMs);
    this.keyspace.rebuildHeap();
  }

  /**
   * Takes over all that another machine holds, which has applied more of the same log and is of no use
   * afterwards. Whoever holds this machine, its keyspace or its origins sees the new content in them.
   */
  adopt(other: Machine): void {
    assert(
      other.#appliedIndex >= this.#appliedIndex,
      `the state of entry ${other.#appliedIndex} takes the place of entry ${this.#appliedIndex}`,
    );
    this.#appliedIndex = other.#appliedIndex;
    this.#trace = other.#trace;
    this.origins.restore(other.origins.list());
    this.keyspace.adopt(other.keyspace);
  }

  #checkVersion(header: StampedHeader, index: number): void {
    assert(
      header.format === proposalFormat && header.behaviour <= behaviourVersion,
      `entry ${index} has format ${header.format} and behaviour ${header.behaviour}; ` +
        `this program knows format ${proposalFormat} and behaviour ${behaviourVersion}: update it`,
    );
  }

  #applyGroups(
    { index, data }: AppliedEntry,
    header: StampedHeader,
    skip: number,
    sink: ReplySink | null,
  ): void {
    const bytes = asBuffer(data);
    let position = 0;
    for (let at = headerBytes; at < bytes.length; ) {
      assert(at + groupHeaderBytes <= bytes.length, `a group of entry ${index} has a whole header`);
      const group = readGroup(bytes, at);
      assert(group.end <= bytes.length, `a group of entry ${index} lies in the entry`);
      at = group.end;
      position += group.count;
      if (position <= skip) continue;
      const applied = Math.max(0, skip - (position - group.count));
      this.#decoder.load(bytes, group.start, group.end);
      this.#writing.begin(header.seed, position - group.count);
      this.#applyGroup(group, applied, sink);
      assert(this.#decoder.bufferedBytes === 0, `a group of entry ${index} ends with its requests`);
    }
    assert(
      position === header.count,
      `entry ${index} holds ${position} requests and announces ${header.count}`,
    );
  }

  /** The first `skip` requests are applied already: they are read over. */
  #applyGroup(group: Group, skip: number, sink: ReplySink | null): void {
    const database = this.#database(group.database);
    for (let nth = 0; nth < group.count; nth++) {
      const isThere = this.#decoder.next();
      assert(isThere, `request ${nth + 1} of ${group.count} can be read from the log`);
      if (nth >= skip) {
        const args = this.#decoder.words();
        const reply = this.#find(args).apply(database, args, this.#writing);
        this.#trace = traced(this.#trace, replyWord(reply));
        if (sink !== null) sink.reply(reply);
      }
      this.#writing.next();
    }
  }

  #find(args: Arguments): WriteCommand {
    const command = this.#finder.find(args);
    assert(
      command?.kind === "write",
      `the log asks for '${args[0]?.slice(0, 64)}', which is no write of this version: update it`,
    );
    return command;
  }

  #database(number: number): Database {
    const database = this.#databases[number];
    assert(database !== undefined, `database ${number} exists`);
    return database;
  }
}

/** The moment of one request of an entry; one object for all. */
class EntryMoment implements Moment {
  readonly #keyspace: Keyspace;
  readonly #generator = new SeededRandom();
  #seed = 0;
  #position = 0;
  #isSeeded = false;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  get nowMs(): number {
    return this.#keyspace.nowMs;
  }

  begin(seed: number, position: number): void {
    this.#seed = seed;
    this.#position = position;
    this.#isSeeded = false;
  }

  next(): void {
    this.#position++;
    this.#isSeeded = false;
  }

  /** Bound, so that a handler may pass it on. */
  readonly random = (): number => {
    if (!this.#isSeeded) this.#generator.seed(this.#seed, this.#position);
    this.#isSeeded = true;
    return this.#generator.next();
  };
}

/** The moment of one read. */
class ReadMoment implements Moment {
  readonly #keyspace: Keyspace;
  random: () => number = () => 0;

  constructor(keyspace: Keyspace) {
    this.#keyspace = keyspace;
  }

  get nowMs(): number {
    return this.#keyspace.nowMs;
  }
}
