// How a command is declared: one object that holds everything anybody asks about it.

import type { Reply } from "../../resp/reply.ts";
import type { Moment, ReadView, WriteView } from "../keyspace/views.ts";
import type { Arguments } from "../parse/arguments.ts";
import type { Client, Server } from "./session-context.ts";
import type { SlicedReply } from "./sliced.ts";

export type Group =
  | "string"
  | "bitmap"
  | "hash"
  | "list"
  | "set"
  | "sorted-set"
  | "stream"
  | "geo"
  | "hyperloglog"
  | "generic"
  | "pubsub"
  | "transactions"
  | "scripting"
  | "connection"
  | "cluster"
  | "server";

/** Redis' command flags, without `write` and `readonly`, which follow from the kind. */
export type Flag =
  | "denyoom"
  | "admin"
  | "pubsub"
  | "noscript"
  | "blocking"
  | "loading"
  | "stale"
  | "skip_monitor"
  | "skip_slowlog"
  | "asking"
  | "fast"
  | "no_auth"
  | "may_replicate"
  | "no_mandatory_keys"
  | "no_async_loading"
  | "no_multi"
  | "allow_busy"
  | "movablekeys"
  /** For a session command that Redis flags `readonly` or `write` although it is not routed here. */
  | "readonly"
  | "write";

/** What Redis calls a key specification: where keys begin, how they end, what is done with them. */
export interface KeySpec {
  readonly flags: readonly KeyFlag[];
  readonly begin:
    | { readonly at: number }
    | { readonly keyword: string; readonly from: number }
    | "unknown";
  readonly find:
    | { readonly last: number; readonly step: number; readonly limit: number }
    | { readonly countAt: number; readonly first: number; readonly step: number }
    | "unknown";
  readonly notes?: string;
}

export type KeyFlag =
  | "RO"
  | "RW"
  | "OW"
  | "RM"
  | "access"
  | "update"
  | "insert"
  | "delete"
  | "not_key"
  | "incomplete"
  | "variable_flags";

/** One argument as COMMAND DOCS describes it; `oneof` and `block` hold further ones. */
export interface Argument {
  readonly name: string;
  readonly type:
    | "key"
    | "string"
    | "integer"
    | "double"
    | "pattern"
    | "unix-time"
    | "pure-token"
    | "oneof"
    | "block";
  readonly token?: string;
  readonly since?: string;
  readonly deprecatedSince?: string;
  readonly keySpec?: number;
  readonly flags?: readonly ("optional" | "multiple" | "multiple_token")[];
  readonly arguments?: readonly Argument[];
}

interface Common {
  /** Lower case; for a subcommand its own word alone ("get" of CONFIG GET). */
  readonly name: string;
  /** For a subcommand the name of its container ("config"); filled in by `table.ts`. */
  readonly container?: string;
  readonly summary: string;
  readonly since: string;
  readonly group: Group;
  readonly complexity?: string;
  /** Versions in which the command changed, and how. */
  readonly history?: readonly (readonly [version: string, change: string])[];
  readonly deprecated?: { readonly since: string; readonly replacedBy: string };
  readonly docFlags?: readonly ("deprecated" | "syscmd")[];
  /** Words including the name (and the subcommand); a negative number means "at least". */
  readonly arity: number;
  readonly flags: readonly Flag[];
  /** Whether looking at keys is a use of them (OBJECT IDLETIME); by default it is, except by clients with NO-TOUCH. */
  readonly touches?: boolean;
  /** Redis' explicit ACL categories, without "@"; the implied ones are derived. */
  readonly categories?: readonly string[];
  /** COMMAND INFO's tips, such as "nondeterministic_output". */
  readonly tips?: readonly string[];
  readonly keys?: readonly KeySpec[];
  readonly arguments?: readonly Argument[];
}

/**
 * Runs on every node, from the log, in log order: synchronous, deterministic, never throws. What may take
 * long comes in steps: nobody sees the state between two of them.
 */
export interface WriteCommand extends Common {
  readonly kind: "write";
  apply(db: WriteView, args: Arguments, at: Moment): Reply | SlicedReply;
}

/**
 * Runs on one node, after the read barrier; cannot change data. What may take long (more than some
 * 1,000 keys) comes in steps: consensus goes on between them.
 */
export interface ReadCommand extends Common {
  readonly kind: "read";
  read(db: ReadView, args: Arguments, at: Moment): Reply | SlicedReply;
}

/** What a session command is handed besides its words. */
export interface SessionContext {
  readonly client: Client;
  readonly server: Server;
  /** Handed in, never imported: COMMAND is itself a row of this table. */
  readonly commands: CommandTable;
}

/** Touches the connection or this node, never the data; may wait. */
export interface SessionCommand extends Common {
  readonly kind: "session";
  run(context: SessionContext, args: Arguments): Reply | Promise<Reply>;
}

/** CLIENT, CONFIG ...: the second word names the command that runs. */
export interface ContainerCommand extends Common {
  readonly kind: "container";
  readonly subcommands: ReadonlyMap<string, Command>;
  /** What the name alone does, where the arity lets it through: COMMAND lists every command. */
  readonly run?: SessionCommand["run"];
}

export type Command = WriteCommand | ReadCommand | SessionCommand | ContainerCommand;
export type CommandTable = ReadonlyMap<string, Command>;

/** The commonest key specification: one key, first argument. */
export const oneKey = (...flags: KeyFlag[]): readonly KeySpec[] => [
  { flags, begin: { at: 1 }, find: { last: 0, step: 1, limit: 0 } },
];
