// The servers under measurement, each in a directory of its own on the disk of this checkout.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { type ClusterProcesses, startCluster } from "../test/support/process-cluster.ts";
import { sparePort } from "../test/support/process-ports.ts";
import { root, ServerProcess } from "../test/support/process-server.ts";
import { RawClient } from "../test/support/raw-client.ts";
import type { SystemName } from "./cases.ts";

export interface System {
  readonly name: SystemName;
  /** Of the node that clients talk to: in a cluster the leader. */
  readonly port: number;
  readonly pid: number;
  readonly followerPids: readonly number[];
  /** Stops its processes, so that they take no time from the system under measurement. */
  pause(): void;
  /** Lets its processes run and waits until they serve; another node may lead then. */
  resume(): Promise<void>;
  /** Kills the process without warning and waits until a new one serves the data. Milliseconds. */
  crashAndRestart(keys: number): Promise<number>;
  stop(): Promise<void>;
}

const tmpfs = 0x01021994;

/** Below `data/`, which is not committed; a memory disk would make fdatasync free. */
export class Workspace {
  readonly #path = join(root, "data", `benchmark-${process.pid}`);
  #count = 0;

  constructor() {
    mkdirSync(this.#path, { recursive: true });
    if (statfsSync(this.#path).type === tmpfs) {
      throw new Error(`${this.#path} is on a tmpfs: measure on a disk`);
    }
  }

  directory(name: string): string {
    const path = join(this.#path, `${++this.#count}-${name}`);
    mkdirSync(path);
    return path;
  }

  remove(): void {
    rmSync(this.#path, { recursive: true, force: true });
  }
}

export async function startSystem(name: SystemName, workspace: Workspace): Promise<System> {
  switch (name) {
    case "redis":
      return await RedisServer.start(await sparePort(), workspace.directory(name));
    case "one":
      return new KvorumNode(await ServerProcess.start({ dir: workspace.directory(name) }));
    case "three":
      return await KvorumCluster.start(name, [], workspace);
    case "lease":
      return await KvorumCluster.start(name, ["--reads", "lease"], workspace);
  }
}

class KvorumCluster implements System {
  readonly name: SystemName;
  readonly #cluster: ClusterProcesses;
  #leader: ServerProcess;

  private constructor(name: SystemName, cluster: ClusterProcesses, leader: ServerProcess) {
    this.name = name;
    this.#cluster = cluster;
    this.#leader = leader;
  }

  static async start(
    name: SystemName,
    args: readonly string[],
    workspace: Workspace,
  ): Promise<KvorumCluster> {
    const dirs = [1, 2, 3].map((member) => workspace.directory(`${name}-${member}`));
    const cluster = await startCluster(3, { dirs, args });
    return new KvorumCluster(name, cluster, await cluster.leader());
  }

  get port(): number {
    return this.#leader.port;
  }

  get pid(): number {
    return this.#leader.pid;
  }

  get followerPids(): readonly number[] {
    return this.#cluster.nodes.filter((node) => node !== this.#leader).map(({ pid }) => pid);
  }

  pause(): void {
    for (const node of this.#cluster.nodes) node.pause();
  }

  async resume(): Promise<void> {
    for (const node of this.#cluster.nodes) node.resume();
    this.#leader = await this.#cluster.leader();
    await this.#leader.takesWrites();
  }

  crashAndRestart(): Promise<number> {
    return Promise.reject(new Error("only single nodes are restarted"));
  }

  stop(): Promise<void> {
    return this.#cluster.dispose();
  }
}

class KvorumNode implements System {
  readonly name = "one";
  readonly followerPids = [];
  #server: ServerProcess;

  constructor(server: ServerProcess) {
    this.#server = server;
  }

  get port(): number {
    return this.#server.port;
  }

  get pid(): number {
    return this.#server.pid;
  }

  pause(): void {
    this.#server.pause();
  }

  async resume(): Promise<void> {
    this.#server.resume();
    await this.#server.takesWrites();
  }

  async crashAndRestart(keys: number): Promise<number> {
    await this.#server.kill();
    const startedAt = performance.now();
    this.#server = await this.#server.restart();
    await serves(this.port, keys);
    return performance.now() - startedAt;
  }

  stop(): Promise<void> {
    return this.#server.dispose();
  }
}

/** The only setting of Redis that promises what one kvorum node promises. */
const durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];

class RedisServer implements System {
  readonly name = "redis";
  readonly followerPids = [];
  readonly port: number;
  readonly #dir: string;
  #child: ChildProcess;

  private constructor(port: number, dir: string) {
    this.port = port;
    this.#dir = dir;
    this.#child = this.#spawn();
  }

  static async start(port: number, dir: string): Promise<RedisServer> {
    const server = new RedisServer(port, dir);
    await serves(port, 0);
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  async resume(): Promise<void> {
    this.#child.kill("SIGCONT");
    await serves(this.port);
  }

  async crashAndRestart(keys: number): Promise<number> {
    await this.stop();
    const startedAt = performance.now();
    this.#child = this.#spawn();
    await serves(this.port, keys);
    return performance.now() - startedAt;
  }

  async stop(): Promise<void> {
    const exited = new Promise((resolve) => this.#child.once("exit", resolve));
    if (this.#child.exitCode === null && this.#child.kill("SIGKILL")) await exited;
  }

  #spawn(): ChildProcess {
    const child = spawn(
      "redis-server",
      ["--port", String(this.port), "--dir", this.#dir, ...durable],
      { stdio: "ignore" },
    );
    process.once("exit", () => child.kill("SIGKILL"));
    return child;
  }
}

/** Waits until DBSIZE is answered, with this number of keys if one is given (while loading it is an error). */
async function serves(port: number, keys?: number): Promise<void> {
  const deadline = Date.now() + 120_000;
  let last = "nothing";
  while (Date.now() < deadline) {
    const client = await RawClient.connect(port).catch(() => null);
    if (client !== null) {
      last = await client.ask("DBSIZE").catch(String);
      client.close();
      if (keys === undefined ? last.startsWith(":") : last === `:${keys}\r\n`) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`port ${port} answers DBSIZE with ${last}, not ${keys ?? "a number"}`);
}

export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
}
