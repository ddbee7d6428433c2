// A node and its clients without sockets or disks, for tests of session commands.

import { errors } from "../../src/resp/errors.ts";
import type { Bytes, ErrorReply, Protocol, PushReply, Reply } from "../../src/resp/reply.ts";
import type {
  Client,
  Config,
  Host,
  LoadingProgress,
  MemoryFigures,
  RaftAdmin,
  RaftStatus,
  Server,
  Stats,
} from "../../src/state/commands/session-context.ts";
import type { CommandTable, SessionContext } from "../../src/state/commands/spec.ts";

export class FakeClient implements Client {
  readonly id: number;
  address = "127.0.0.1:50001";
  localAddress = "127.0.0.1:7000";
  fd = 8;
  createdAtMs = 1_000_000;
  lastInteractionMs = 1_000_000;
  lastCommand = "";
  queryBufferBytes = 0;
  outputBytes = 0;
  totalInputBytes = 0;
  totalOutputBytes = 0;
  name: Bytes = "";
  libraryName: Bytes = "";
  libraryVersion: Bytes = "";
  database = 0;
  protocol: Protocol = 2;
  authenticated = true;
  readsLocally = false;
  noEvict = false;
  noTouch = false;
  replyMode: Client["replyMode"] = "on";
  isClosing = false;
  resets = 0;
  readonly pushed: PushReply[] = [];

  constructor(id: number) {
    this.id = id;
  }
  closeAfterReply(): void {
    this.isClosing = true;
  }
  push(message: PushReply): void {
    this.pushed.push(message);
  }
  reset(): void {
    this.resets += 1;
  }
}

class FakeConfig implements Config {
  readonly values = new Map<string, string>([
    ["appendonly", "yes"],
    ["enable-debug-command", "yes"],
    ["maxclients", "10000"],
    ["maxmemory", "0"],
    ["maxmemory-policy", "noeviction"],
    ["requirepass", ""],
    ["save", ""],
  ]);
  refusal: ErrorReply | null = null;
  rewriteRefusal: ErrorReply | null = null;

  all(): readonly (readonly [string, string])[] {
    return [...this.values];
  }
  set(pairs: readonly (readonly [string, string])[]): Promise<ErrorReply | null> {
    if (this.refusal === null)
      for (const [name, value] of pairs) this.values.set(name.toLowerCase(), value);
    return Promise.resolve(this.refusal);
  }
  rewrite(): Promise<ErrorReply | null> {
    return Promise.resolve(this.rewriteRefusal);
  }
}

class FakeStats implements Stats {
  connectionsReceived = 3;
  commandsProcessed = 20;
  connectionsRejected = 1;
  inputBytes = 400;
  outputBytes = 500;
  expiredKeys = 2;
  evictedKeys = 0;
  keyspaceHits = 7;
  keyspaceMisses = 4;
  errorReplies = 5;
  commandsPerSecond = 12.6;
  readonly commands = new Map([["config|get", { calls: 2, failed: 0, rejected: 1 }]]);
  readonly errors = new Map([["ERR", 5]]);
  resets = 0;
  reset(): void {
    this.resets += 1;
  }
}

class FakeRaft implements RaftAdmin {
  readonly asked: (readonly unknown[])[] = [];
  current: RaftStatus = {
    clusterId: "c".repeat(40),
    nodeId: 1,
    role: "leader",
    term: 3,
    leaderId: 1,
    commitIndex: 120,
    appliedIndex: 118,
    firstIndex: 40,
    lastIndex: 121,
    logBytes: 9000,
    logTimeMs: 1_000_500,
    pendingWrites: 6,
    members: [
      member(1, { voter: true, matchIndex: 121, active: true }),
      member(2, { voter: true, matchIndex: 119, active: true, clockOffsetMs: -12 }),
      member(3, { voter: false, matchIndex: 50, active: false }),
    ],
  };

  status(): RaftStatus {
    return this.current;
  }
  add(...addresses: readonly string[]): Promise<Reply> {
    return this.#ask("add", ...addresses);
  }
  remove(id: number): Promise<Reply> {
    return this.#ask("remove", id);
  }
  transfer(id: number | null): Promise<Reply> {
    return this.#ask("transfer", id);
  }
  #ask(...words: readonly unknown[]): Promise<Reply> {
    this.asked.push(words);
    return Promise.resolve(this.asked.length);
  }
}

type Member = RaftStatus["members"][number];

export function member(
  id: number,
  known: Pick<Member, "voter" | "matchIndex" | "active"> & Partial<Member>,
): Member {
  const clockOffsetMs = id === 1 ? 0 : null;
  const addresses = { clientAddress: `10.0.0.${id}:7000`, peerAddress: `10.0.0.${id}:17000` };
  return { id, ...addresses, clockOffsetMs, ...known };
}

export class FakeServer implements Server {
  readonly version = "7.0.15";
  readonly kvorumVersion = "0.1.0";
  readonly host: Host = {
    processId: 4242,
    os: "Linux 6.1.0 x86_64",
    archBits: 64,
    totalMemoryBytes: 2 ** 33,
    executable: "/usr/bin/node",
    configFile: "",
  };
  loading: LoadingProgress | null = null;
  readonly startedAtMs = 900_000;
  readonly runId = "r".repeat(40);
  readonly port = 7000;
  readonly config = new FakeConfig();
  readonly stats = new FakeStats();
  readonly raft = new FakeRaft();
  readonly connected = new Map<number, FakeClient>();
  now = 1_090_500;
  slept: number[] = [];
  pause: readonly [untilMs: number, mode: string] | null = null;
  activeExpiry = true;
  checkpoints = 0;
  checkpointRunning = false;
  checkpointFailure: Error | null = null;
  /** The disk has room for a checkpoint. */
  hasRoom = true;
  readonly lastCheckpointSeconds = 1234;
  readonly changesSinceCheckpoint = 17;
  shutdowns = 0;
  purges = 0;
  figures: MemoryFigures = {
    used: 1024 * 1024,
    peak: 2048 * 1024,
    startup: 512 * 1024,
    resident: 1536 * 1024,
    dataset: 256 * 1024,
    allocated: 100_000,
    active: 200_000,
    chunks: 1_000_000,
    flushedKeys: 7,
  };

  nowMs(): number {
    return this.now;
  }
  nowMicros(): bigint {
    return BigInt(this.now) * 1000n + 42n;
  }
  random(): number {
    return 0.5;
  }
  sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    return Promise.resolve();
  }
  clients(): IterableIterator<Client> {
    return this.connected.values();
  }
  killClient(id: number): boolean {
    return this.connected.delete(id);
  }
  pauseClients(untilMs: number, mode: "all" | "write"): void {
    this.pause = [untilMs, mode];
  }
  unpauseClients(): void {
    this.pause = null;
  }
  /** As the node does: any password fits while there is none. */
  authenticate(user: Bytes, password: Bytes): ErrorReply | null {
    const expected = this.config.values.get("requirepass");
    const fits = user === "default" && (expected === "" || password === expected);
    return fits ? null : errors.wrongPassword;
  }
  keyspace(): ReturnType<Server["keyspace"]> {
    return [{ index: 2, keys: 10, expires: 3, averageTtlMs: 500 }];
  }
  cpu(): ReturnType<Server["cpu"]> {
    return { systemSeconds: 0.25, userSeconds: 1.5 };
  }
  memory(): ReturnType<Server["memory"]> {
    return this.figures;
  }
  tables(): ReturnType<Server["tables"]> {
    return [{ index: 2, keys: 10, mainBytes: 900, dueBytes: 36 }];
  }
  slotSizes(): ReturnType<Server["slotSizes"]> {
    return [{ bytes: 64, slots: 1500, pages: 2 }];
  }
  purgeMemory(): void {
    this.purges += 1;
  }
  checkpoint(): Promise<boolean> {
    this.checkpoints += 1;
    return this.checkpointFailure === null
      ? Promise.resolve(this.hasRoom)
      : Promise.reject(this.checkpointFailure);
  }
  setActiveExpiry(active: boolean): void {
    this.activeExpiry = active;
  }
  shutdown(): void {
    this.shutdowns += 1;
  }
}

export interface FakeContext extends SessionContext {
  readonly client: FakeClient;
  readonly server: FakeServer;
}

/** A node with one client, number 1, which runs the commands. */
export function fakeContext(commands: CommandTable = new Map(), id = 1): FakeContext {
  const server = new FakeServer();
  return { server, client: connect(server, id), commands };
}

export function connect(server: FakeServer, id: number): FakeClient {
  const client = new FakeClient(id);
  server.connected.set(id, client);
  return client;
}
