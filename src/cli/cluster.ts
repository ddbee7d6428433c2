// `kvorum cluster`: several nodes on this machine as child processes, with one log.

import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ask, NoAnswerError } from "../net/resp-client.ts";
import { ErrorReply } from "../resp/reply.ts";
import { LogMixer } from "./log-mixer.ts";

export interface ClusterOptions {
  readonly nodes: number;
  /** Port of the first node; the others follow. */
  readonly port: number;
  readonly dir: string;
  readonly logLevel: string;
}

export interface ClusterOutput {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** What the cluster needs of its process; replaced in tests. */
export interface ClusterHost {
  /** Starts a node: `process.execPath` with the entry script in front of these arguments. */
  readonly command: readonly [program: string, ...before: string[]];
  readonly output: ClusterOutput;
  /** Calls back for each SIGINT and SIGTERM; returns how to stop that. */
  onSignal(listener: () => void): () => void;
}

/** The host of a real process. `entry` is the script that was started (`process.argv[1]`). */
export function processHost(entry: string): ClusterHost {
  return {
    command: [process.execPath, ...process.execArgv, entry],
    output: process.stdout,
    onSignal(listener) {
      const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
  };
}

/** Runs until Ctrl-C or until no node is left. Resolves with the exit code. */
export async function runCluster(options: ClusterOptions, host: ClusterHost): Promise<0 | 1> {
  const cluster = new LocalCluster(options, host);
  const stopListening = host.onSignal(() => cluster.interrupt());
  try {
    return await cluster.run();
  } finally {
    stopListening();
  }
}

const pollMs = 100;
const answerMs = 5_000;

class LocalNode {
  readonly port: number;
  readonly dir: string;
  readonly arguments: readonly string[];
  child: ChildProcess | null = null;
  /** Resolves when the process is gone and its output is read to the end. */
  ended: Promise<void> = Promise.resolve();

  constructor(options: ClusterOptions, at: number) {
    this.port = options.port + at;
    this.dir = join(options.dir, String(this.port));
    const joining = at === 0 ? [] : ["--join", `127.0.0.1:${options.port}`];
    this.arguments = [
      ...["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.dir],
      ...["--loglevel", options.logLevel],
      ...joining,
    ];
  }

  /** False until its first start has given it an identity. */
  get isKnown(): boolean {
    return existsSync(join(this.dir, "identity.json"));
  }
}

class LocalCluster {
  readonly #options: ClusterOptions;
  readonly #host: ClusterHost;
  readonly #log: LogMixer;
  readonly #nodes: readonly LocalNode[];
  #interrupts = 0;

  constructor(options: ClusterOptions, host: ClusterHost) {
    this.#options = { ...options, dir: resolve(options.dir) };
    this.#host = host;
    this.#log = new LogMixer(host.output);
    this.#nodes = Array.from(
      { length: options.nodes },
      (_, at) => new LocalNode(this.#options, at),
    );
  }

  /** The first Ctrl-C ends the nodes in order, the second one at once. */
  interrupt(): void {
    this.#interrupts += 1;
    if (this.#interrupts === 1) void this.#endAll();
    else for (const { child } of this.#nodes) child?.kill("SIGKILL");
  }

  async run(): Promise<0 | 1> {
    const { dir, port, nodes } = this.#options;
    const last = port + nodes - 1;
    this.#log.say(`${nodes} nodes on ports ${port} to ${last}, data in ${dir}. Ctrl-C ends them`);
    let before: LocalNode | null = null;
    for (const node of this.#nodes) {
      // A new node is let in by those that run; members only wait for each other.
      if (before !== null && !node.isKnown) await this.#answers(before);
      if (this.#interrupts > 0 || (before !== null && before.child === null)) break;
      this.#start(node);
      before = node;
    }
    void this.#welcome();
    await Promise.all(this.#nodes.map((node) => node.ended));
    return this.#interrupts > 0 ? 0 : 1;
  }

  async #welcome(): Promise<void> {
    for (const node of this.#nodes) await this.#answers(node);
    if (this.#interrupts > 0 || this.#nodes.some(({ child }) => child === null)) return;
    this.#log.say(
      `every node serves clients, the first one for example: redis-cli -p ${this.#options.port}`,
    );
  }

  #start(node: LocalNode): void {
    const [program, ...before] = this.#host.command;
    const child = spawn(program, [...before, ...node.arguments], {
      // Not in the terminal's group: Ctrl-C reaches this process, which ends the nodes in order. The
      // channel tells a node when this process is gone.
      detached: true,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    node.child = child;
    node.ended = new Promise((done) => {
      child.once("error", (error) => {
        this.#gone(node, error.message);
        done();
      });
      child.once("close", (code, signal) => {
        this.#gone(node, signal === null ? `exit code ${code}` : `signal ${signal}`);
        done();
      });
    });
    for (const stream of [child.stdout, child.stderr]) this.#log.follow(node.port, stream);
  }

  #gone(node: LocalNode, why: string): void {
    if (node.child === null) return;
    node.child = null;
    if (this.#interrupts > 0) {
      this.#log.say(`node ${node.port} has ended`);
      return;
    }
    const left = this.#nodes.filter((each) => each.child !== null).length;
    this.#log.say(`node ${node.port} ended unexpectedly (${why}); ${left} still running`);
    if (left > 0) {
      const command = [...this.#host.command, ...node.arguments].map(quoted).join(" ");
      this.#log.say(`to start it again, in another terminal: ${command}`);
    }
  }

  /** Until the node serves clients, or has ended. */
  async #answers(node: LocalNode): Promise<void> {
    while (this.#interrupts === 0 && node.child !== null) {
      if (await serves(node.port)) return;
      await delay(pollMs);
    }
  }

  /** From the last to the first, each after the one before has handed over what it led. */
  async #endAll(): Promise<void> {
    this.#log.say("ending all nodes; Ctrl-C again kills them");
    for (const node of [...this.#nodes].reverse()) {
      node.child?.kill("SIGTERM");
      await node.ended;
    }
  }
}

/** It answers, and not that it still loads its data. */
async function serves(port: number): Promise<boolean> {
  const target = { host: "127.0.0.1", port };
  try {
    const reply = await ask({ target, password: "", words: ["PING"], timeoutMs: answerMs });
    return !(reply instanceof ErrorReply && reply.text.startsWith("LOADING "));
  } catch (error) {
    if (error instanceof NoAnswerError) return false;
    throw error;
  }
}

/** For pasting into a shell. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_.,:/@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
