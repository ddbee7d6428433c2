// The servers under measurement, each in a directory of its own on the disk of this checkout.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { startCluster } from "../test/support/process-cluster.ts";
import { sparePort } from "../test/support/process-ports.ts";
import { root, ServerProcess } from "../test/support/process-server.ts";
import { RawClient } from "../test/support/raw-client.ts";

export type SystemName = "redis" | "one" | "three";

export const titles: Readonly<Record<SystemName, string>> = {
  redis: "redis-server, AOF always",
  one: "kvorum, one node",
  three: "kvorum, three nodes",
};

export interface System {
  readonly name: SystemName;
  /** Of the node that clients talk to: in a cluster the leader. */
  readonly port: number;
  readonly pid: number;
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
    case "three": {
      const dirs = [1, 2, 3].map((member) => workspace.directory(`${name}-${member}`));
      const cluster = await startCluster(3, dirs);
      const leader = await cluster.leader();
      return {
        name,
        port: leader.port,
        pid: leader.pid,
        crashAndRestart: () => Promise.reject(new Error("only single nodes are restarted")),
        stop: () => cluster.dispose(),
      };
    }
  }
}

class KvorumNode implements System {
  readonly name = "one";
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

/** Waits until DBSIZE is answered with the expected number of keys (while loading it is an error). */
async function serves(port: number, keys: number): Promise<void> {
  const deadline = Date.now() + 120_000;
  let last = "nothing";
  while (Date.now() < deadline) {
    const client = await RawClient.connect(port).catch(() => null);
    if (client !== null) {
      last = await client.ask("DBSIZE").catch(String);
      client.close();
      if (last === `:${keys}\r\n`) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`port ${port} answers DBSIZE with ${last}, not ${keys}`);
}

export function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) * 1024;
}
