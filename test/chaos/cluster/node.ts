// One place of the cluster and the kvorum process in it: started, killed and started again.

import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { mainJs } from "../../support/process-server.ts";
import { undoAtExit } from "../machine/cleanup.ts";
import type { FakeClock } from "../machine/fake-clock.ts";
import type { LoopDisk } from "../machine/loop-disk.ts";
import type { Address } from "../machine/network.ts";

export interface Place {
  readonly slot: number;
  readonly address: Address;
  readonly dir: string;
  /** The host that its peers are told, when that is another one. */
  readonly announce: string | null;
  /** What the process is started by, to be in its network namespace. */
  readonly wrapper: readonly string[];
  readonly disk: LoopDisk | null;
  readonly clock: FakeClock | null;
}

/** How a process may end: an exit code or a signal. */
export type End = number | NodeJS.Signals;

/** The server's own: it stops when its disk fails. */
export const brokenDiskCode = 74;

const logCharactersMax = 100_000;
const secret = "of-the-test-cluster";

export class ChaosNode {
  readonly place: Place;
  #child: ChildProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #allowed: readonly End[] = [];
  #log = "";
  /** Ends that nobody had asked for, in words; a run with one of them has failed. */
  readonly unexpectedEnds: string[] = [];

  constructor(place: Place) {
    this.place = place;
  }

  get slot(): number {
    return this.place.slot;
  }

  get address(): Address {
    return this.place.address;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** The last lines of all its processes. */
  get log(): string {
    return this.#log;
  }

  /** Starts a process; it joins the cluster of another node when its directory is empty. */
  start(join: Address | null = null): void {
    if (this.running) return;
    const { wrapper, clock } = this.place;
    const command = [...wrapper, process.execPath, mainJs, ...this.#options(join)];
    const [program, ...args] = command as [string, ...string[]];
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...clock?.environment, KVORUM_PEER_SECRET: secret },
    });
    this.#child = child;
    this.#allowed = [];
    child.stdout.on("data", (chunk: Buffer) => this.#record(chunk));
    child.stderr.on("data", (chunk: Buffer) => this.#record(chunk));
    const atExit = undoAtExit(() => child.kill("SIGKILL"));
    this.#ended = new Promise((resolve) => {
      // "close", not "exit": the last lines of the log have arrived by then.
      child.once("close", (code, signal) => {
        this.#child = null;
        atExit();
        this.#judge(signal ?? code ?? 0);
        resolve();
      });
    });
  }

  /** The process may end in one of these ways by itself from now on. */
  mayEnd(...ends: readonly End[]): void {
    this.#allowed = ends;
  }

  /** Waits until the process has ended. */
  ended(): Promise<void> {
    return this.#ended;
  }

  async kill(): Promise<void> {
    this.#allowed = [...this.#allowed, "SIGKILL"];
    this.#child?.kill("SIGKILL");
    await this.#ended;
  }

  pause(): void {
    this.#child?.kill("SIGSTOP");
  }

  resume(): void {
    this.#child?.kill("SIGCONT");
  }

  /** Everything the node had on disk is gone; the process must have ended. */
  wipe(): void {
    rmSync(this.place.dir, { recursive: true, force: true });
  }

  async dispose(): Promise<void> {
    await this.kill();
    this.place.disk?.dispose();
  }

  #options(join: Address | null): string[] {
    const { address, announce, dir } = this.place;
    const options = ["--bind", address.host, "--port", String(address.port), "--dir", dir];
    // Between namespaces clients are not on the node's own machine, as it sees it.
    options.push("--protected-mode", "no");
    if (announce !== null) options.push("--announce", announce);
    if (join !== null) options.push("--join", `${join.host}:${join.port}`);
    return options;
  }

  #judge(end: End): void {
    if (this.#allowed.includes(end)) return;
    const lines = this.#log.trim().split("\n").slice(-5).join("\n  ");
    this.unexpectedEnds.push(`node ${this.slot} ended by itself (${end}):\n  ${lines}`);
  }

  #record(chunk: Buffer): void {
    this.#log = (this.#log + chunk.toString()).slice(-logCharactersMax);
  }
}
