// What commands may see and touch of one database. Implemented by `database.ts`.

import type { Bytes, ErrorReply } from "../../resp/reply.ts";
import type { Expiry } from "../expiry.ts";
import type { Steps } from "../steps.ts";

/** What TYPE answers. */
export type TypeName = "string";

/**
 * A type of values as commands handle it: `db.read(key, strings)`. `Handle` reads and changes one value, whatever
 * its form in memory is, and stands until the command removes or renames a key.
 */
export interface Kind<Handle> {
  readonly name: TypeName;
  open(place: ValuePlace): Handle;
}

/** Where the value of a key is, or will be. What a handle does to it is noted for the checkpoint and the trace. */
export interface ValuePlace {
  readonly isVacant: boolean;
  /** In bytes; 0 where the place is vacant. */
  readonly length: number;
  /** See types.ts. */
  readonly type: number;
  slice(from: number, to: number): Bytes;
  /** Overwrites from a place on, makes the value longer where it ends before; the expiry stays. */
  write(at: number, bytes: Bytes, type: number): void;
}

/**
 * One database as a `read` handler sees it. Keys are alive or dead by log time alone; a key that is
 * due by the clock of the read but not yet by log time is still there, and the machine notes that
 * it was met (the node then commits a tick and reads again).
 */
export interface ReadView {
  /** Number of this database, as in SELECT. */
  readonly index: number;
  /** For a write the time of its entry; for a read the leader's clock, never below log time. */
  readonly nowMs: number;
  /** Keys, and keys with an expiry, not yet removed ones included (as DBSIZE and INFO count). */
  readonly size: number;
  readonly expires: number;

  has(key: Bytes): boolean;
  typeOf(key: Bytes): TypeName | undefined;
  /**
   * The string at a key; undefined when missing; WRONGTYPE when it is something else. Of a longer one the first
   * `bytesMax`, by default all: whoever expects a number need not read 64 MiB to see that it is none.
   */
  string(key: Bytes, bytesMax?: number): Bytes | undefined | ErrorReply;
  /** The value at a key; undefined when missing; WRONGTYPE when it is of another kind. */
  read<Handle>(key: Bytes, kind: Kind<Handle>): Handle | undefined | ErrorReply;
  /** When the key dies; undefined when never, or when there is no such key. */
  expireAt(key: Bytes): Expiry | undefined;
  /** Bytes that a key and its value take, without a look at its parts; undefined when missing. Not counted as a read. */
  room(key: Bytes): number | undefined;

  /** Whether the eviction policy has it counted how long ago keys were used, or how often. */
  readonly countsUses: "idle" | "rare";
  /** Since the key was used on this node; undefined when there is no such key. */
  idleSeconds(key: Bytes): number | undefined;
  /** A logarithmic counter up to 255, as OBJECT FREQ shows it; undefined when there is no such key. */
  useCount(key: Bytes): number | undefined;

  /** Visits about `count` keys from a cursor (0 to begin); returns the next cursor, 0 at the end. */
  scan(cursor: number, count: number, visit: (key: Bytes) => void): number;
  /** Every living key, in the order of partitions and positions. */
  keys(): IterableIterator<Bytes>;
  /** A living key, each equally likely; undefined when there is none. */
  randomKey(random: () => number): Bytes | undefined;
  /** Another database by number; the caller has checked the range. */
  select(index: number): ReadView;
}

/** One database as a `write` handler sees it. Every change goes through here, so nothing is missed. */
export interface WriteView extends ReadView {
  /** The value at a key, to be changed; one that is missing begins to be with the first change. */
  edit<Handle>(key: Bytes, kind: Kind<Handle>): Handle | ErrorReply;
  /** Writes a string and drops the key's expiry, as SET does. */
  replace(key: Bytes, value: Bytes): void;
  /** Writes a string and leaves the expiry as it is, as INCR does. */
  update(key: Bytes, value: Bytes): void;
  /** True when there was a living key. */
  delete(key: Bytes): boolean;
  /** The key exists. A time that has passed deletes nothing here: handlers delete instead. */
  setExpireAt(key: Bytes, at: Expiry): void;
  /** True when the key had an expiry. */
  persist(key: Bytes): boolean;
  /** Moves a value that is there, with its expiry, to a key that may have had another one. Constant time. */
  rename(key: Bytes, destination: WriteView, target: Bytes): void;
  /** As `rename`, and the key stays. A long value is copied in steps. */
  copy(key: Bytes, destination: WriteView, target: Bytes): Steps<void>;
  /** FLUSHDB: removes every key, in constant time. */
  clear(): void;
  select(index: number): WriteView;
  /** SWAPDB: the two databases change places for every client. */
  swap(a: number, b: number): void;
}

/** What a handler may know of the moment. Chance and time come with the entry, equal on every node. */
export interface Moment {
  /** Unix time in ms: see ReadView.nowMs. */
  readonly nowMs: number;
  /** In [0, 1); for a write seeded by the entry, for a read by the node. */
  random(): number;
}

/** Instead of a value: what the client gets. */
export function isError(answer: unknown): answer is ErrorReply {
  return (
    typeof answer === "object" && answer !== null && "type" in answer && answer.type === "error"
  );
}
