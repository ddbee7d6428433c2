// Redis 7.0.15 as the oracle of tests: a redis-server process of our own, without persistence.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sparePort } from "./process-ports.ts";
import { RawClient } from "./raw-client.ts";

export interface Oracle {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/** The limit that kvorum has by default, so that both refuse the same values. */
const limits = ["--proto-max-bulk-len", "64mb"];

/** Ends with its parent at the latest: an oracle never outlives a test run. */
export async function startOracle(...args: readonly string[]): Promise<Oracle> {
  const port = await sparePort();
  const dir = await mkdtemp(join(tmpdir(), "kvorum-oracle-"));
  const process_ = spawn(
    "redis-server",
    ["--port", String(port), "--dir", dir, "--save", "", ...limits, ...args],
    { stdio: "ignore" },
  );
  const stopNow = () => process_.kill("SIGKILL");
  process.once("exit", stopNow);
  await answers(port, process_);
  return {
    port,
    pid: process_.pid ?? 0,
    async stop() {
      const exited = new Promise((resolve) => process_.once("exit", resolve));
      if (process_.exitCode === null && process_.kill("SIGKILL")) await exited;
      process.off("exit", stopNow);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function answers(port: number, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (Date.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
    const client = await RawClient.connect(port).catch(() => null);
    if (client !== null) {
      const reply = await client.ask("PING").catch(() => "");
      client.close();
      if (/^(\+PONG|-NOAUTH)/.test(reply)) return; // Refused for want of a password is up, too.
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`redis-server on port ${port} does not answer`);
}
