// The start of a node with much data: its port is open at once, and says that the data is being loaded.

import { execFileSync } from "node:child_process";
import { cpSync, openSync, readdirSync, readSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createServer } from "../../src/create-server.ts";
import { ServerProcess } from "../support/process-server.ts";
import { requireTool } from "../support/process-tools.ts";
import type { RawClient } from "../support/raw-client.ts";

/** About 200 MB in checkpoint and log: loading them takes seconds. */
const keys = 1_500_000;
const keysPerRequest = 500;
const value = "v".repeat(100);
const refusal = "-LOADING kvorum is loading the dataset in memory\r\n";

let filled: ServerProcess;

async function fill(client: RawClient): Promise<void> {
  const requests = keys / keysPerRequest;
  const together = 50;
  for (let first = 0; first < requests; first += together) {
    const batch: string[][] = [];
    for (let request = first; request < first + together; request++) {
      const words = ["MSET"];
      for (let key = 0; key < keysPerRequest; key++) {
        words.push(`key:${request * keysPerRequest + key}`, value);
      }
      batch.push(words);
    }
    client.send(...batch);
    await client.replies(together, 60_000);
  }
}

beforeAll(async () => {
  filled = await ServerProcess.start();
  const client = await filled.connect();
  await fill(client);
  client.close();
  await filled.kill(); // So that there is a log to be applied as well.
}, 120_000);

afterAll(() => filled.dispose());

async function ended(server: ServerProcess): Promise<void> {
  await server.kill();
}

/** As soon as its port is open, with the answer to a PING; the start tries the port out before that. */
async function connected(server: ServerProcess): Promise<RawClient> {
  for (;;) {
    const client = await server.connect().catch(() => null);
    client?.send(["PING"]);
    const [pong] = (await client?.replies(1)) ?? [];
    if (client !== null && pong !== undefined) {
      onTestFinished(() => client.close());
      expect(String(pong)).toBe(refusal);
      return client;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe("a start with much data", () => {
  test("SIGTERM ends it in order within a moment, and nothing is lost", async () => {
    const server = await filled.restart();
    onTestFinished(() => ended(server));
    await connected(server);
    const beganMs = performance.now();
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - beganMs).toBeLessThan(10_000);
    expect(server.log).toContain("SIGTERM: closing");
    expect(server.log).toContain('"msg":"closed"');
    expect(server.log).not.toContain("ready on");
  });

  test("SIGTERM ends it while it applies its log, too", async () => {
    const server = await filled.restart();
    onTestFinished(() => ended(server));
    // It leads when its log is to be applied, and that may take less than a usual poll.
    const poll = { timeout: 30_000, interval: 5 };
    await expect.poll(() => server.log, poll).toContain("this node leads");
    const beganMs = performance.now();
    expect(await server.stop()).toEqual({ code: 0, signal: null });
    expect(performance.now() - beganMs).toBeLessThan(10_000);
    expect(server.log).not.toContain("ready on");
  });

  test("SHUTDOWN ends it as well", async () => {
    const server = await filled.restart();
    onTestFinished(() => ended(server));
    const client = await connected(server);
    client.send(["SHUTDOWN", "SAVE"]);
    expect(await server.exited).toEqual({ code: 0, signal: null });
    expect(client.isClosed).toBe(true);
    expect(server.log).not.toContain("ready on");
  });

  test("SHUTDOWN ends it in a program that has the node in itself, which is told", async () => {
    const starting = createServer({ dir: filled.dir, port: filled.port, logLevel: "silent" });
    const told = expect(starting).rejects.toThrow("SHUTDOWN came before the server served");
    (await connected(filled)).send(["SHUTDOWN"]);
    await told;
  });

  test("says -LOADING and how far it is until everything is there again", async () => {
    const server = await filled.restart();
    onTestFinished(() => ended(server));
    const client = await connected(server);
    expect(await client.ask("GET", "key:1")).toBe(refusal);
    const redis = new Redis(server.port);
    onTestFinished(() => redis.disconnect());
    const early = redis.dbsize(); // Waits until the client is ready.
    if (requireTool("redis-cli")) {
      const said = execFileSync("redis-cli", ["-p", String(server.port), "GET", "a"]);
      expect(String(said)).toContain(refusal.slice(1, -2));
    }

    const percents: number[] = [];
    for (;;) {
      const info = await client.ask("INFO", "persistence");
      if (info.includes("\r\nloading:0\r\n")) break;
      percents.push(Number(/loading_loaded_perc:([\d.]+)/.exec(info)?.[1]));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(percents.length).toBeGreaterThan(10);
    expect(Math.min(...percents)).toBeLessThan(50);
    expect(Math.max(...percents)).toBeLessThanOrEqual(100);
    expect(await client.ask("GET", `key:${keys - 1}`)).toBe(`$${value.length}\r\n${value}\r\n`);
    expect(await client.ask("DBSIZE")).toBe(`:${keys}\r\n`);
    expect(await early).toBe(keys);

    const lines = server.log.split("\n");
    const at = (words: string) => lines.findIndex((line) => line.includes(words));
    expect(at("loading the state: ")).toBeGreaterThanOrEqual(0);
    expect(at("the state is loaded: 1,500,000 keys, ")).toBeGreaterThan(at("loading the state: "));
    expect(at("ready on")).toBeGreaterThan(at("the state is loaded: "));
  });

  test("that fails closes the port, and ends with the line that says why", async () => {
    const dir = `${filled.dir}-damaged`;
    cpSync(filled.dir, dir, { recursive: true, filter: (path) => !path.includes("/lock.") });
    onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
    const segments = readdirSync(join(dir, "log")).filter((name) => name.endsWith(".segment"));
    flipByteIn(join(dir, "log", segments.toSorted()[0] ?? ""));
    const server = await ServerProcess.launch({ dir });
    onTestFinished(() => ended(server));
    const client = await connected(server);
    expect(await server.exited).toEqual({ code: 1, signal: null });
    expect(client.isClosed).toBe(true);
    expect(server.log).toMatch(/the log is damaged \(.*\): this node must not vote with it/);
  });
});

function flipByteIn(path: string): void {
  const file = openSync(path, "r+");
  const at = Math.floor(statSync(path).size / 3);
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(file, byte, 0, 1, at);
}
