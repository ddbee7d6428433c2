// The state machine: applies committed entries in log order, and reads what they made.

import { assert } from "../../assert.ts";
import { databaseCount, expirePerEntryMax, stateBytesMax } from "../../constants.ts";
import { errors } from "../../resp/errors.ts";
import type { Bytes, Reply } from "../../resp/reply.ts";
import { CommandFinder } from "../commands/lookup.ts";
import { isSliced, type SlicedReply, stepKeys } from "../commands/sliced.ts";
import type { CommandTable, ReadCommand, WriteCommand } from "../commands/spec.ts";
import { createDatabases, type Database } from "../keyspace/database.ts";
import { evictionPolicyOf, noEviction } from "../keyspace/eviction-policy.ts";
import { Keyspace } from "../keyspace/keyspace.ts";
import { replyWord, traced } from "../keyspace/trace.ts";
import type { Arguments } from "../parse/arguments.ts";
import { SeededRandom } from "../random.ts";
import { type AppliedEntry, EntryRequests } from "./entry-requests.ts";
import { EntryMoment, ReadMoment } from "./moment.ts";
import { Origins } from "./origins.ts";
import {
  checkVersion,
  holdsNothing,
  proposalKind,
  readHeader,
  type StampedHeader,
} from "./proposal.ts";
import { Settings, type SettingsRecord } from "./settings.ts";
import { type Executable, systemCommands } from "./system-commands.ts";

/** Who waits for the replies to the writes of one incarnation of this node. */
export interface ReplySink {
  readonly origin: number;
  readonly incarnation: number;
  /** Once per applied request of that incarnation, in the order of their numbers. */
  reply(reply: Reply): void;
  /** Its requests up to this number that were not applied will never be. */
  passed(highest: number): void;
}

export interface MachineOptions {
  readonly commands: CommandTable;
  readonly databases?: number;
  /** 32 random bits of this process: see KeyHasher. Changes nothing that anybody can see. */
  readonly hashSeed?: number;
  /** Requests that are applied between two looks at the time. */
  readonly requestsPerLook?: number;
}

/** What a machine knows beside its keyspace and its origins. */
export interface Restored {
  readonly appliedIndex: number;
  readonly logTimeMs: number;
  readonly trace: number;
  readonly settings: SettingsRecord;
}

/** The entry at work: the state stands still for everybody else until it is whole. */
interface Work {
  readonly index: number;
  readonly seed: number;
  readonly sink: ReplySink | null;
  /** So many keys that are due may still go, before its requests run. */
  due: number;
  readonly hasRequests: boolean;
  /** Requests up to this number are given up; null when it has none of those. */
  readonly passed: number | null;
  /** The request at work, when it comes in steps. */
  steps: SlicedReply | null;
}

/** So many quick requests cost far less than a slice. */
const requestsPerLookDefault = 64;
/** Each write gives back the memory of more keys of a flushed database than it adds. */
const reclaimPerRequest = 4;
const reclaimPerKey = 2;
const never = (): boolean => false;

/**
 * Pure: what it holds follows from the entries alone. Nothing here throws but a broken invariant,
 * which stops the process.
 */
export class Machine {
  readonly keyspace: Keyspace;
  readonly origins = new Origins();
  readonly settings: Settings;
  readonly #databases: readonly Database[];
  readonly #finder: CommandFinder;
  readonly #systemCommands: ReadonlyMap<Bytes, Executable>;
  /** Picks what is evicted when the entries before have not made enough room. */
  readonly #evicting = new SeededRandom();
  readonly #requests = new EntryRequests();
  readonly #requestsPerLook: number;
  #memo: WriteCommand | null = null;
  #work: Work | null = null;
  readonly #writing: EntryMoment;
  readonly #reading: ReadMoment;
  #appliedIndex = 0;
  #trace = 0;

  constructor({
    commands,
    databases = databaseCount,
    hashSeed = 0,
    requestsPerLook = requestsPerLookDefault,
  }: MachineOptions) {
    this.#requestsPerLook = requestsPerLook;
    this.keyspace = new Keyspace(databases, hashSeed);
    this.#databases = createDatabases(this.keyspace);
    this.#finder = new CommandFinder(commands);
    this.settings = new Settings(({ policy }) => {
      this.keyspace.policy = evictionPolicyOf(policy) ?? noEviction;
    });
    this.#systemCommands = systemCommands(this.keyspace, this.settings);
    this.#writing = new EntryMoment(this.keyspace);
    this.#reading = new ReadMoment(this.keyspace);
  }

  /** The last entry that is applied as a whole. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }
  /** An entry is half done: `goOn` with it before anything else. */
  get isApplying(): boolean {
    return this.#work !== null;
  }
  /** A checkpoint has much that waits for the disk: nothing more should be applied until some of it is there. */
  get isHeldUp(): boolean {
    return this.keyspace.disk.checkpoint?.isBehind === true;
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
    let digest = traced(traced(this.#trace, this.keyspace.nextId), this.settings.trace);
    for (const { id, size, used, trace } of this.keyspace.databases) {
      digest = traced(traced(traced(traced(digest, id), size), used), trace);
    }
    return digest;
  }
  /** The last read met a key that is due by its clock alone: commit a tick, then read again. */
  get metDue(): boolean {
    return this.keyspace.metDue;
  }

  /** What was done with long keys and values since the last call: see Keyspace.cost. */
  takeCost(): number {
    const { cost } = this.keyspace;
    this.keyspace.cost = 0;
    return cost;
  }

  /** When the next key falls due (Unix ms, perhaps passed); undefined when none ever does. */
  nextDueAt(): number | undefined {
    return this.keyspace.nextDueAt();
  }

  /**
   * Applies the next entry; `sink` gets the replies to the writes of its own incarnation. False: the
   * time was over, the entry is half done. Where it pauses changes nothing that anybody can see.
   */
  apply(entry: AppliedEntry, sink: ReplySink | null, isTimeOver = never): boolean {
    this.#expect(entry.index);
    const header = readHeader(entry.data);
    checkVersion(header, entry.index);
    this.keyspace.advance(header.timeMs);

    const { origin, incarnation, firstNumber, count, seed } = header;
    const end = firstNumber + count;
    const next = this.#firstToApply(header);
    const isOwn = sink !== null && sink.origin === origin && sink.incarnation === incarnation;
    const hasRequests = next !== end && !holdsNothing(entry.data);
    if (hasRequests) this.#requests.begin(entry, count, next - firstNumber);
    this.#work = {
      index: entry.index,
      seed,
      sink: isOwn ? sink : null,
      due: expirePerEntryMax,
      hasRequests,
      passed: next !== end && !hasRequests ? end - 1 : null,
      steps: null,
    };
    return this.#applyWork(this.#work, isTimeOver);
  }

  /** The number of the first request that has not been applied before; the one behind the last: all were. */
  #firstToApply({ kind, origin, incarnation, firstNumber, count }: StampedHeader): number {
    if (kind === proposalKind.system || count === 0) return firstNumber;
    return this.origins.take(origin, incarnation, firstNumber, count);
  }

  /** Goes on with the entry that is half done, by one step at least. True: it is whole. */
  goOn(isTimeOver = never): boolean {
    assert(this.#work !== null, "an entry is half done");
    return this.#applyWork(this.#work, isTimeOver);
  }

  /** The next entry is none of ours (a no-op or a membership): only its index counts. */
  pass(index: number): void {
    this.#expect(index);
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
    touches = true,
  ): Reply | SlicedReply {
    assert(!this.keyspace.reading, "one read runs at a time");
    assert(this.#work === null, "no read sees half an entry");
    this.keyspace.beginRead(clockMs);
    this.keyspace.touching = this.#counts(command, touches);
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
  restore({ appliedIndex, logTimeMs, trace, settings }: Restored): void {
    assert(this.#appliedIndex === 0, "only a new machine is restored");
    this.#appliedIndex = appliedIndex;
    this.#trace = trace;
    this.keyspace.advance(logTimeMs);
    this.settings.restore(settings);
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
    assert(this.#work === null, "an entry is applied as a whole");
    this.#appliedIndex = other.#appliedIndex;
    this.#trace = other.#trace;
    this.origins.restore(other.origins.list());
    this.keyspace.adopt(other.keyspace);
    this.settings.restore(other.settings.record);
  }

  #expect(index: number): void {
    assert(!this.keyspace.reading, "the state stands still while it is read");
    assert(
      this.#work === null && index === this.#appliedIndex + 1,
      `entry ${index} is applied after entry ${this.#appliedIndex}`,
    );
  }

  /** First keys that are due go, then requests run. */
  #applyWork(work: Work, isTimeOver: () => boolean): boolean {
    const { keyspace } = this;
    keyspace.cost = 0;
    for (let sinceLook = 1; ; sinceLook++) {
      if (work.due > 0) work.due = keyspace.removeDue(work.due);
      if (work.due === 0 && !this.#goOnRequests(work)) break;
      keyspace.reclaim(reclaimPerRequest + reclaimPerKey * keyspace.takeAdded());
      if (work.steps === null && sinceLook + keyspace.cost < this.#requestsPerLook) continue;
      if (isTimeOver()) return false;
      sinceLook = 0;
      keyspace.cost = 0;
    }
    this.#work = null;
    this.#appliedIndex = work.index;
    if (work.passed !== null) work.sink?.passed(work.passed);
    return true;
  }

  /** By one step. False: there is none left. */
  #goOnRequests(work: Work): boolean {
    if (work.steps !== null) this.#step(work, work.steps);
    else if (work.hasRequests && this.#requests.next()) this.#run(work);
    else return false;
    return true;
  }

  #run(work: Work): void {
    const requests = this.#requests;
    const database = this.#database(requests.database);
    this.#writing.begin(work.seed, requests.position);
    if (requests.wordCount > stepKeys) work.steps = this.#runLong(database, work.seed);
    else {
      const answer = this.#execute(database, requests.words(), work.seed);
      if (isSliced(answer)) work.steps = answer;
      else this.#answer(answer, work);
    }
  }

  /** Already cutting so many words out of the entry takes long. */
  *#runLong(database: Database, seed: number): SlicedReply {
    const args: Bytes[] = [];
    const { wordCount } = this.#requests;
    while (args.length < wordCount) {
      args.push(this.#requests.word(args.length));
      if (args.length % stepKeys === 0) yield;
    }
    const answer = this.#execute(database, args, seed);
    return isSliced(answer) ? yield* answer : answer;
  }

  #execute(database: Database, args: Arguments, seed: number): Reply | SlicedReply {
    const command = this.#find(args);
    if (this.#isFull && command.flags.includes("denyoom")) {
      if (this.keyspace.policy.keys === "none") return errors.outOfMemory;
      return this.#makeRoom(seed, () => this.#apply(command, database, args));
    }
    return this.#apply(command, database, args);
  }

  #apply(command: Executable, database: Database, args: Arguments): Reply | SlicedReply {
    this.keyspace.touching = this.#counts(command);
    return command.apply(database, args, this.#writing);
  }

  /** Whether a command's look at a key counts as its use. */
  #counts(command: Pick<Executable, "touches">, touches = true): boolean {
    return this.keyspace.access.counted !== "nothing" && (command.touches ?? touches);
  }

  get #isFull(): boolean {
    const { maxmemory } = this.settings;
    const limit = maxmemory > 0 ? Math.min(maxmemory, stateBytesMax) : stateBytesMax;
    return this.keyspace.used > limit;
  }

  /**
   * The leader has put evictions before the writes that need the room, but it cannot know how much a write needs. What
   * lacks is evicted here, by the entry's own chance and so equal on every node: a write is refused only when there is
   * nothing to evict.
   */
  *#makeRoom(seed: number, apply: () => Reply | SlicedReply): SlicedReply {
    this.#evicting.seed(seed, ~this.#requests.position);
    for (let evicted = 1; this.#isFull; evicted++) {
      if (!this.keyspace.evictAny(this.#nextEvicted)) return errors.outOfMemory;
      if (evicted % stepKeys === 0) yield;
    }
    const answer = apply();
    return isSliced(answer) ? yield* answer : answer;
  }

  readonly #nextEvicted = (): number => this.#evicting.next();

  #step(work: Work, steps: SlicedReply): void {
    const step = steps.next();
    if (step.done !== true) return;
    work.steps = null;
    this.#answer(step.value, work);
  }

  #answer(reply: Reply, { sink }: Work): void {
    this.#trace = traced(this.#trace, replyWord(reply));
    if (sink !== null) sink.reply(reply);
  }

  /** Most requests are for the same command as the one before. */
  #find(args: Arguments): Executable {
    const memo = this.#memo;
    if (memo !== null && this.#requests.nameEquals(memo.name)) return memo;
    const system = this.#systemCommands.get(args[0] ?? "");
    if (system !== undefined) return system;
    const command = this.#finder.find(args);
    assert(
      command?.kind === "write",
      `the log asks for '${args[0]?.slice(0, 64)}', which is no write of this version: update it`,
    );
    // A subcommand is not known by its first word alone.
    if (command.container === undefined) this.#memo = command;
    return command;
  }

  #database(number: number): Database {
    const database = this.#databases[number];
    assert(database !== undefined, `database ${number} exists`);
    return database;
  }
}
