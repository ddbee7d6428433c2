// One kvorum process under test: started, watched, paused, killed and cleaned up.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sparePort } from "./process-ports.ts";
import { RawClient } from "./raw-client.ts";

/** Root of the checkout, from the sources as well as from compiled tools below it. */
export const root = findRoot(fileURLToPath(new URL(".", import.meta.url)));
export const mainJs = join(root, "dist", "main.js");

function findRoot(dir: string): string {
  return existsSync(join(dir, "package.json")) ? dir : findRoot(join(dir, ".."));
}

export interface LaunchOptions {
  /** Made in the temporary directory and removed at the end when not given. */
  readonly dir?: string;
  readonly port?: number;
  /** Client port of a member to join. */
  readonly join?: number;
  readonly args?: readonly string[];
  /** Program that starts node, such as strace with its options. */
  readonly wrapper?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class ServerProcess {
  readonly port: number;
  readonly dir: string;
  readonly #child: ChildProcess;
  readonly #ownsDir: boolean;
  readonly #options: LaunchOptions;
  #log = "";
  readonly exited: Promise<Exit>;

  private constructor(port: number, dir: string, options: LaunchOptions) {
    this.port = port;
    this.dir = dir;
    this.#options = options;
    this.#ownsDir = options.dir === undefined;
    const joining = options.join === undefined ? [] : ["--join", `127.0.0.1:${options.join}`];
    const command = [
      ...(options.wrapper ?? []),
      process.execPath,
      mainJs,
      ...["--port", String(port), "--dir", dir],
      ...joining,
      ...(options.args ?? []),
    ];
    const [program, ...rest] = command as [string, ...string[]];
    this.#child = spawn(program, rest, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...options.env },
    });
    this.#child.stdout?.on("data", (chunk: Buffer) => this.#record(chunk));
    this.#child.stderr?.on("data", (chunk: Buffer) => this.#record(chunk));
    const killNow = () => this.#child.kill("SIGKILL");
    process.once("exit", killNow);
    this.exited = new Promise((resolve, reject) => {
      this.#child.once("error", reject);
      // "close", not "exit": the last lines of the log have arrived by then.
      this.#child.once("close", (code, signal) => {
        process.off("exit", killNow);
        resolve({ code, signal });
      });
    });
  }

  /** Starts a process without waiting for it. */
  static async launch(options: LaunchOptions = {}): Promise<ServerProcess> {
    if (!existsSync(mainJs)) throw new Error(`${mainJs} is missing: run "npm run build"`);
    const port = options.port ?? (await sparePort());
    const dir = options.dir ?? (await mkdtemp(join(tmpdir(), "kvorum-test-")));
    return new ServerProcess(port, dir, options);
  }

  /** Starts a process and waits until it takes writes. */
  static async start(options: LaunchOptions = {}): Promise<ServerProcess> {
    const server = await ServerProcess.launch(options);
    await server.takesWrites();
    return server;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Standard output and standard error so far. */
  get log(): string {
    return this.#log;
  }

  connect(): Promise<RawClient> {
    return RawClient.connect(this.port);
  }

  /** Waits until the node answers PING: it is up, with or without a leader. */
  answers(timeoutMs = 15_000): Promise<void> {
    return this.#eventually(["PING"], "+PONG\r\n", timeoutMs);
  }

  /** Waits until a write is acknowledged; the write removes a key that is not there. */
  takesWrites(timeoutMs = 15_000): Promise<void> {
    return this.#eventually(["DEL", "key-that-no-test-uses"], ":0\r\n", timeoutMs);
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<Exit> {
    if (this.running) this.#child.kill(signal);
    return await this.exited;
  }

  /** In order, as an operator would. */
  stop(): Promise<Exit> {
    return this.kill("SIGTERM");
  }

  pause(): void {
    this.#child.kill("SIGSTOP");
  }

  resume(): void {
    this.#child.kill("SIGCONT");
  }

  /** A new process on the same port and directory, without the options of the first that are replaced. */
  restart(change: Omit<LaunchOptions, "dir" | "port"> = {}): Promise<ServerProcess> {
    const { join: _joined, wrapper: _wrapped, ...kept } = this.#options;
    return ServerProcess.launch({ ...kept, ...change, dir: this.dir, port: this.port });
  }

  /** Resident bytes of the process. */
  residentBytes(): number {
    return this.#statusBytes("VmRSS");
  }

  /** The same without mapped files, whose pages the system takes back whenever it needs them. */
  ownBytes(): number {
    return this.#statusBytes("RssAnon");
  }

  #statusBytes(field: string): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
    return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
  }

  /** Kills the process if it lives and removes its directory, unless the caller gave that. */
  async dispose(): Promise<void> {
    if (this.running) {
      this.resume(); // A stopped process dies only when it goes on.
      await this.kill();
    }
    if (this.#ownsDir) rmSync(this.dir, { recursive: true, force: true });
  }

  async #eventually(words: readonly string[], expected: string, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    let last = "no connection";
    while (Date.now() < deadline) {
      if (!this.running) throw new Error(`the process has ended:\n${this.#log}`);
      const client = await this.connect().catch(() => null);
      if (client !== null) {
        client.send(words);
        const replies = await client.replies(1, 1_000).catch(() => []);
        last = replies[0]?.toString("latin1") ?? "no reply";
        client.close();
        if (last === expected) return;
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(
      `${words[0]} on port ${this.port}: ${last} after ${timeoutMs} ms\n${this.#log}`,
    );
  }

  #record(chunk: Buffer): void {
    if (this.#log.length < 1_000_000) this.#log += chunk.toString();
  }
}
