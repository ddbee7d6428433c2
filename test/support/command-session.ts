// Runs commands against an in-memory state, as one client would: words in, a reply value out.

import { errors } from "../../src/resp/errors.ts";
import {
  ErrorReply,
  LongArray,
  MapReply,
  NullArrayReply,
  plain,
  type Reply,
  SetReply,
  SimpleString,
} from "../../src/resp/reply.ts";
import { arityFits, fullName } from "../../src/state/commands/derive.ts";
import { findCommand, unknownCommand } from "../../src/state/commands/lookup.ts";
import { finish, isSliced, type SlicedReply } from "../../src/state/commands/sliced.ts";
import type { Command, SessionCommand } from "../../src/state/commands/spec.ts";
import { commands } from "../../src/state/commands/table.ts";
import { createDatabases, type Database } from "../../src/state/keyspace/database.ts";
import { Keyspace, type KeyspaceCounters } from "../../src/state/keyspace/keyspace.ts";
import { SeededRandom } from "../../src/state/random.ts";
import { wordsOf } from "./command-words.ts";

/** 2023-11-14T22:13:20Z: a time as the log has it. */
export const startMs = 1_700_000_000_000;

export class CommandSession {
  readonly #keyspace = new Keyspace();
  readonly #databases: readonly Database[] = createDatabases(this.#keyspace);
  readonly #generator = new SeededRandom();
  #database = 0;

  constructor(nowMs = startMs) {
    this.#keyspace.advance(nowMs);
    this.#generator.seed(1, 2);
  }

  get nowMs(): number {
    return this.#keyspace.logTimeMs;
  }

  get counters(): Readonly<KeyspaceCounters> {
    return this.#keyspace.counters;
  }

  /** See Keyspace.cost. */
  get cost(): number {
    return this.#keyspace.cost;
  }

  get database(): Database {
    return this.#databases[this.#database] as Database;
  }

  select(index: number): void {
    this.#database = index;
  }

  /** Time passes, and an entry of the log says so. */
  advance(ms: number): void {
    this.#keyspace.advance(this.nowMs + ms);
  }

  /** The reply as a value, or whatever refuses the request before its command runs. */
  reply(...words: readonly string[]): Reply {
    const command = findCommand(commands, words);
    if (command === undefined) return unknownCommand(commands, words);
    if (!arityFits(command, words.length)) return errors.arity(fullName(command));
    return this.#execute(command, words);
  }

  /** The same in a short form: see `wordsOf` and `show`. */
  run(line: string): unknown {
    return show(this.reply(...wordsOf(line)));
  }

  #execute(command: Command, words: readonly string[]): Reply {
    const moment = { nowMs: this.nowMs, random: () => this.#generator.next() };
    switch (command.kind) {
      case "write":
        return whole(command.apply(this.database, words, moment));
      case "read": {
        this.#keyspace.beginRead(this.nowMs);
        const answer = command.read(this.database, words, moment);
        const reply = whole(answer);
        this.#keyspace.endRead();
        return reply;
      }
      case "session":
        return runWithoutContext(command, words);
      case "container":
        throw new Error("a container is no command of these families");
    }
  }
}

/** Only for what uses neither connection nor node, such as HELP. */
function whole(answer: Reply | SlicedReply): Reply {
  return isSliced(answer) ? finish(answer) : answer;
}

function runWithoutContext(command: SessionCommand, words: readonly string[]): Reply {
  const reply = command.run(undefined as never, words);
  if (reply instanceof Promise) throw new Error("no command of these families waits");
  return reply;
}

/** Replies for expectations: `+OK` and `-ERR ...` as on the wire, maps as pairs, the rest as it is. */
export function show(reply: Reply): unknown {
  if (reply instanceof SimpleString) return `+${reply.text}`;
  if (reply instanceof ErrorReply) return `-${reply.text}`;
  if (reply instanceof NullArrayReply) return null;
  if (reply instanceof MapReply)
    return plain(reply.entries).map(([key, value]) => [show(key), show(value)]);
  if (reply instanceof SetReply) return plain(reply.items).map(show);
  if (reply instanceof LongArray) return reply.parts.flat().map(show);
  return Array.isArray(reply) ? reply.map(show) : reply;
}

/** Lines of a session with the reply that each must get; `session` may come with keys and a time. */
export type Transcript = readonly (readonly [line: string, reply: unknown])[];

/** What really was answered, in the form of the transcript, to be compared with it as a whole. */
export function play(transcript: Transcript, session = new CommandSession()): Transcript {
  return transcript.map(([line]) => [line, session.run(line)]);
}
