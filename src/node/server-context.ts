// This node as commands see it: identity, configuration, counters, clients, consensus.

import { createHash, timingSafeEqual } from "node:crypto";
import { machine as machineType, type as osType, release, totalmem } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { assert } from "../assert.ts";
import type { ClientListener } from "../net/clients/client-listener.ts";
import type { NodeStats } from "../net/clients/stats.ts";
import { errors } from "../resp/errors.ts";
import type { Bytes, ErrorReply } from "../resp/reply.ts";
import type {
  Client,
  Config,
  DatabaseTables,
  Host,
  LoadingProgress,
  MemoryFigures,
  RaftAdmin,
  Server,
} from "../state/commands/session-context.ts";
import type { Machine } from "../state/execution/machine.ts";
import type { PhysicalDatabase } from "../state/keyspace/physical-database.ts";
import { dueCellBytes } from "../state/memory/due-heap.ts";
import type { Loading } from "./loading.ts";
import type { Service } from "./service.ts";

export interface ServerContextParts {
  readonly kvorumVersion: string;
  readonly runId: string;
  readonly config: Config;
  readonly configFile: string;
  readonly password: () => Bytes;
  readonly stats: NodeStats;
  /** Until `serve` brings another one. */
  readonly raft: RaftAdmin;
  readonly machine: Machine;
  readonly loading: Loading;
  readonly shutdown: () => void;
}

/** The version of Redis whose replies this server gives. */
const redisVersion = "7.0.15";
/** Expiries that one look at a database's average time to live takes into account. */
const ttlSampleMax = 64;

/** The wall clock counts whole milliseconds. */
const clockToleranceMs = 2;

export class ServerContext implements Server {
  readonly version = redisVersion;
  readonly kvorumVersion: string;
  readonly host: Host;
  readonly startedAtMs = Date.now();
  readonly runId: string;
  readonly config: Config;
  readonly stats: NodeStats;
  raft: RaftAdmin;
  /** Set as soon as the listener exists; no command runs before that. */
  listener: ClientListener | null = null;
  port = 0;
  /** How far the wall clock is ahead of the monotonic clock. */
  #wallOffsetMs = performance.timeOrigin;
  readonly #parts: ServerContextParts;
  readonly #startupBytes = processMemory().used;
  #peakBytes = 0;
  #service: Pick<Service, "checkpointer" | "setActiveExpiry"> | null = null;
  #isExpiryActive = true;

  constructor(parts: ServerContextParts) {
    this.#parts = parts;
    this.kvorumVersion = parts.kvorumVersion;
    this.host = {
      processId: process.pid,
      os: `${osType()} ${release()} ${machineType()}`,
      archBits: 64,
      totalMemoryBytes: totalmem(),
      executable: process.argv[1] ?? process.execPath,
      configFile: parts.configFile,
    };
    this.runId = parts.runId;
    this.config = parts.config;
    this.stats = parts.stats;
    this.raft = parts.raft;
  }

  /** The state is here, so there is more to be told and to be steered. */
  serve(service: Pick<Service, "raft" | "checkpointer" | "setActiveExpiry">): void {
    this.raft = service.raft;
    this.#service = service;
    service.setActiveExpiry(this.#isExpiryActive);
  }

  get loading(): LoadingProgress | null {
    const { loading } = this.#parts;
    return loading.isOver ? null : loading;
  }

  nowMs(): number {
    return Date.now();
  }
  nowMicros(): bigint {
    // Microseconds come from a clock that does not follow when the wall clock is set: see whether it was.
    const wallMs = Date.now();
    if (Math.abs(performance.now() + this.#wallOffsetMs - wallMs) > clockToleranceMs) {
      this.#wallOffsetMs = wallMs - performance.now();
    }
    return BigInt(Math.floor((performance.now() + this.#wallOffsetMs) * 1000));
  }
  random(): number {
    return Math.random();
  }
  async sleep(ms: number): Promise<void> {
    await sleep(ms);
  }

  *clients(): IterableIterator<Client> {
    for (const { session } of this.listener?.connections() ?? []) yield session;
  }
  killClient(id: number): boolean {
    const connection = this.listener?.connection(id);
    connection?.destroy();
    return connection !== undefined;
  }
  pauseClients(untilMs: number, mode: "all" | "write"): void {
    this.listener?.pause(untilMs, mode);
  }
  unpauseClients(): void {
    this.listener?.unpause();
  }

  authenticate(user: Bytes, password: Bytes): ErrorReply | null {
    const expected = this.#parts.password();
    const known = user === "" || user === "default";
    const fits = expected === "" || timingSafeEqual(digest(password), digest(expected));
    return known && fits ? null : errors.wrongPassword;
  }

  keyspace(): ReturnType<Server["keyspace"]> {
    const nowMs = this.nowMs();
    return this.#parts.machine.keyspace.databases.flatMap((database, index) => {
      const { size: keys, expires } = database;
      return keys === 0
        ? []
        : [{ index, keys, expires, averageTtlMs: averageTtl(database, nowMs) }];
    });
  }

  cpu(): ReturnType<Server["cpu"]> {
    const { system, user } = process.cpuUsage();
    return { systemSeconds: system / 1e6, userSeconds: user / 1e6 };
  }

  /** Also takes note of the peak: called every second besides. */
  memory(): MemoryFigures {
    const { keyspace } = this.#parts.machine;
    const { arena, flushedKeys } = keyspace.memory;
    const { used, resident } = processMemory();
    this.#peakBytes = Math.max(this.#peakBytes, used);
    return {
      used,
      peak: this.#peakBytes,
      startup: this.#startupBytes,
      resident,
      dataset: keyspace.used,
      allocated: arena.slotBytes,
      active: arena.pageBytes,
      chunks: arena.chunkBytes,
      flushedKeys,
    };
  }

  tables(): readonly DatabaseTables[] {
    return this.#parts.machine.keyspace.databases.flatMap((database, index) => {
      const { size: keys, expires, besideBytes: mainBytes } = database;
      return keys === 0 ? [] : [{ index, keys, mainBytes, dueBytes: expires * dueCellBytes }];
    });
  }

  slotSizes(): ReturnType<Server["slotSizes"]> {
    return this.#parts.machine.keyspace.memory.arena.sizesInUse();
  }

  purgeMemory(): void {
    this.#parts.machine.keyspace.memory.arena.dropSpareChunks();
  }

  checkpoint(): Promise<boolean> {
    assert(this.#service !== null, "a checkpoint is asked for when the state is loaded");
    return this.#service.checkpointer.run();
  }
  get checkpointRunning(): boolean {
    return this.#service?.checkpointer.isRunning ?? false;
  }
  get lastCheckpointSeconds(): number {
    return this.#service?.checkpointer.lastSeconds ?? Math.floor(this.startedAtMs / 1000);
  }
  get changesSinceCheckpoint(): number {
    return this.#service?.checkpointer.changes ?? 0;
  }

  setActiveExpiry(active: boolean): void {
    this.#isExpiryActive = active;
    this.#service?.setActiveExpiry(active);
  }

  shutdown(): void {
    this.#parts.shutdown();
  }
}

/** Buffers outside of V8's heap are the chunks of keys and values mostly. */
function processMemory(): { readonly used: number; readonly resident: number } {
  const { rss, heapUsed, external } = process.memoryUsage();
  return { used: heapUsed + external, resident: rss };
}

/** Equal lengths for a comparison in constant time. */
function digest(secret: Bytes): Buffer {
  return createHash("sha256").update(secret, "latin1").digest();
}

/** Estimated from the first expiries of the database; Redis estimates it as well. */
function averageTtl(database: PhysicalDatabase, nowMs: number): number {
  if (database.expires === 0) return 0;
  let sum = 0;
  let count = 0;
  for (const partition of database.filledPartitions()) {
    if (partition.table.expires === 0) continue;
    for (let position = 0; position < partition.size; position++) {
      const at = partition.expiryAt(position);
      if (at === undefined) continue;
      sum += Math.max(0, Number(at) - nowMs);
      if (++count === ttlSampleMax) return Math.round(sum / count);
    }
  }
  return count === 0 ? 0 : Math.round(sum / count);
}
