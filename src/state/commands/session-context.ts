// What a session command may see of its client and of this node. Implemented by src/net (Client) and src/node (Server).

import type { Bytes, ErrorReply, Protocol, PushReply, Reply } from "../../resp/reply.ts";

/** One connected client: state of the connection, never replicated. */
export interface Client {
  /** Unique on this node, ascending from 1. */
  readonly id: number;
  /** host:port of the two ends. */
  readonly address: string;
  readonly localAddress: string;
  readonly fd: number;
  readonly createdAtMs: number;
  readonly lastInteractionMs: number;
  /** Lower case, "client|list" for a subcommand; empty before the first command. */
  readonly lastCommand: string;
  readonly queryBufferBytes: number;
  readonly outputBytes: number;
  readonly totalInputBytes: number;
  readonly totalOutputBytes: number;

  name: Bytes;
  libraryName: Bytes;
  libraryVersion: Bytes;
  database: number;
  protocol: Protocol;
  authenticated: boolean;
  /** READONLY: reads ask nobody, and may be old. */
  readsLocally: boolean;
  noEvict: boolean;
  noTouch: boolean;
  /** CLIENT REPLY: "skip" silences the next command's reply, then becomes "on". */
  replyMode: "on" | "off" | "skip";

  /** Ends the connection once every reply before this one, and this one, is written. */
  closeAfterReply(): void;
  /** Sends a message that is no reply, before the reply of the running command. RESP3 only. */
  push(message: PushReply): void;
  /** RESET: what the connection was when it was accepted (name, database, protocol, user ...). */
  reset(): void;
}

/** This node, as far as commands may know and steer it. */
export interface Server {
  /** The Redis version whose behaviour clients may expect: "7.0.15". */
  readonly version: string;
  /** This program's own version. */
  readonly kvorumVersion: string;
  readonly host: Host;
  /** Not null while the node brings its state back and does not serve data yet. */
  readonly loading: LoadingProgress | null;
  readonly startedAtMs: number;
  /** 40 hex characters, new at every start, as INFO's run_id. */
  readonly runId: string;
  readonly port: number;
  readonly config: Config;
  readonly stats: Stats;
  readonly raft: RaftAdmin;

  /** Wall clock. */
  nowMs(): number;
  nowMicros(): bigint;
  random(): number;
  /** One of the node's timers; DEBUG SLEEP and CLIENT PAUSE use it. */
  sleep(ms: number): Promise<void>;

  clients(): IterableIterator<Client>;
  /** False when there is no such client. Closes at once: who closes itself calls `closeAfterReply`. */
  killClient(id: number): boolean;
  pauseClients(untilMs: number, mode: "all" | "write"): void;
  unpauseClients(): void;
  /** Null when the password fits; the default user's name or an empty one goes with `requirepass`. */
  authenticate(user: Bytes, password: Bytes): ErrorReply | null;

  /** Keys and expiries per database that has keys, as they are here: a long write counts as far as it is done. */
  keyspace(): readonly { index: number; keys: number; expires: number; averageTtlMs: number }[];
  /** Processor time of this process since its start, in seconds. */
  cpu(): { readonly systemSeconds: number; readonly userSeconds: number };
  memory(): MemoryFigures;
  /** What the tables of each database with keys take beside keys and values. */
  tables(): readonly DatabaseTables[];
  /** What the allocator of keys and values gives out, by size. */
  slotSizes(): readonly { bytes: number; slots: number; pages: number }[];
  /** MEMORY PURGE: gives the system what is kept for what comes next. */
  purgeMemory(): void;

  /** Writes a checkpoint now; resolves to true when it is on disk, to false when the disk has no room for it. */
  checkpoint(): Promise<boolean>;
  readonly checkpointRunning: boolean;
  /** Unix seconds of the last finished checkpoint, or of the start. */
  readonly lastCheckpointSeconds: number;
  readonly changesSinceCheckpoint: number;
  /**
   * DEBUG SET-ACTIVE-EXPIRE. While false this node, as the leader, commits no entry of its own accord for keys
   * that are due: the next write removes them. They are dead for every command either way.
   */
  setActiveExpiry(active: boolean): void;
  /** Ends the process in order: leadership handed over, sessions closed, files synced. */
  shutdown(): void;
}

/** How far a node is with bringing its state back. */
export interface LoadingProgress {
  readonly startedAtMs: number;
  /** Bytes of checkpoint and log that are read in all, as far as is known; what is read twice counts twice. */
  readonly totalBytes: number;
  readonly loadedBytes: number;
}

/** What memory this node takes, in bytes. */
export interface MemoryFigures {
  /** V8's heap and all buffers outside of it; what native libraries take by themselves is only in `resident`. */
  readonly used: number;
  /** The most that `used` was seen to be, and what it was before the node had a state. */
  readonly peak: number;
  readonly startup: number;
  /** Of the process, as the system sees it. */
  readonly resident: number;
  /** Keys and values by their lengths, equal on every node: `maxmemory` is compared with this. */
  readonly dataset: number;
  /** Of the allocator of keys and values: slots and blocks, the pages that they lie in, all chunks. */
  readonly allocated: number;
  readonly active: number;
  readonly chunks: number;
  /** Keys of flushed databases whose memory is still to be given back. */
  readonly flushedKeys: number;
}

export interface DatabaseTables {
  readonly index: number;
  readonly keys: number;
  /** Index and positions; and the order in which keys fall due. In bytes. */
  readonly mainBytes: number;
  readonly dueBytes: number;
}

/** What INFO tells of the process and the machine below it. */
export interface Host {
  readonly processId: number;
  /** "Linux 6.1.0 x86_64". */
  readonly os: string;
  readonly archBits: number;
  readonly totalMemoryBytes: number;
  readonly executable: string;
  /** Empty when the node runs without one. */
  readonly configFile: string;
}

/** CONFIG: names as in redis.conf where the meaning is the same. */
export interface Config {
  /** Every option in alphabetical order with its value as text. */
  all(): readonly (readonly [name: string, value: string])[];
  /** All or nothing; the error names the option that failed, in Redis' words. */
  set(pairs: readonly (readonly [name: string, value: string])[]): Promise<ErrorReply | null>;
  /** Null, or why the file could not be written. */
  rewrite(): Promise<ErrorReply | null>;
}

/** Counters behind INFO; CONFIG RESETSTAT sets them to zero. */
export interface Stats {
  readonly connectionsReceived: number;
  readonly commandsProcessed: number;
  readonly connectionsRejected: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly expiredKeys: number;
  readonly evictedKeys: number;
  readonly keyspaceHits: number;
  readonly keyspaceMisses: number;
  readonly errorReplies: number;
  /** Commands per second over the last seconds. */
  readonly commandsPerSecond: number;
  /** Calls and failures by command name ("config|get" for a subcommand). */
  readonly commands: ReadonlyMap<string, { calls: number; failed: number; rejected: number }>;
  /** Error replies by their first word. */
  readonly errors: ReadonlyMap<string, number>;
  reset(): void;
}

export interface RaftAdmin {
  status(): RaftStatus;
  /**
   * RAFT ADD: admits a learner reachable at the two addresses; it becomes a voter when it has
   * caught up. Answers after the change is committed, with what the new node needs to start.
   * `directory`, 32 hex digits, names its data directory: the member's id is given to no other one.
   */
  add(peerAddress: string, clientAddress: string, directory?: string): Promise<Reply>;
  /** RAFT REMOVE: answers after the change is committed. */
  remove(id: number): Promise<Reply>;
  /** RAFT TRANSFER: hands leadership to a member, or to the one that is furthest along. */
  transfer(id: number | null): Promise<Reply>;
}

export interface RaftStatus {
  readonly clusterId: string;
  readonly nodeId: number;
  readonly role: "leader" | "follower" | "candidate" | "learner";
  readonly term: number;
  /** 0 when unknown. */
  readonly leaderId: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly logBytes: number;
  readonly logTimeMs: number;
  readonly pendingWrites: number;
  readonly members: readonly {
    readonly id: number;
    readonly voter: boolean;
    readonly clientAddress: string;
    readonly peerAddress: string;
    /** Known to the leader only: entries behind, and whether it answered within an election timeout. */
    readonly matchIndex: number | null;
    readonly active: boolean | null;
    /** How far its wall clock is ahead of the answering node's; null when that node has not heard of it. */
    readonly clockOffsetMs: number | null;
    /** How much of a snapshot it has; absent when none is on its way to it. */
    readonly snapshotPercent?: number;
  }[];
}
